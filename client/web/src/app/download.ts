// Saving something to the reader's device, made in the page and never sent anywhere.

/** Offers `content`, whole or in pieces, as a file to save. */
export function saveFile(
  name: string,
  content: Uint8Array | string | readonly Uint8Array[],
  type = 'application/octet-stream',
): void {
  const pieces = Array.isArray(content) ? content : [content];
  const address = URL.createObjectURL(new Blob(pieces as BlobPart[], { type }));
  const link = document.createElement('a');
  link.href = address;
  link.download = name;
  link.click();
  setTimeout(() => {
    URL.revokeObjectURL(address);
  }, 60_000);
}
