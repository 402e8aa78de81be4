// Saving something to the reader's device, made in the page and never sent anywhere.

/** Offers `content` as a file to save. */
export function saveFile(
  name: string,
  content: Uint8Array<ArrayBuffer> | string,
  type = 'application/octet-stream',
): void {
  const address = URL.createObjectURL(new Blob([content], { type }));
  const link = document.createElement('a');
  link.href = address;
  link.download = name;
  link.click();
  setTimeout(() => {
    URL.revokeObjectURL(address);
  }, 60_000);
}
