// Files of a folder that was chosen or dropped, with their paths below it: browsers give the two in different shapes.

export interface FolderFile {
  /** With forward slashes, from the folder on: "board/tile/0/000". */
  readonly path: string;
  readonly file: File;
}

/** Of an `<input webkitdirectory>`. */
export function chosenFiles(files: readonly File[]): FolderFile[] {
  return files.map((file) => ({ path: file.webkitRelativePath || file.name, file }));
}

/** Of a drop: every file in every folder that was dropped. */
export async function droppedFiles(items: DataTransferItemList): Promise<FolderFile[]> {
  // Entries have to be taken before anything is awaited: the list empties when the event ends.
  const entries = [...items].flatMap((item) => item.webkitGetAsEntry() ?? []);
  return (await Promise.all(entries.map((entry) => filesBelow(entry)))).flat();
}

async function filesBelow(entry: FileSystemEntry): Promise<FolderFile[]> {
  const path = entry.fullPath.replace(/^\//u, '');
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject));
    return [{ path, file }];
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  const found: FolderFile[] = [];
  for (;;) {
    // A reader hands out a folder in portions, and an empty one at the end.
    const portion = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (portion.length === 0) return found;
    for (const one of portion) found.push(...(await filesBelow(one)));
  }
}

/** The files of the board in a folder: those below the shallowest one that holds a `checkpoint`. Empty if none does. */
export function boardFiles(files: readonly FolderFile[]): FolderFile[] {
  const roots = files
    .filter(({ path }) => path === 'checkpoint' || path.endsWith('/checkpoint'))
    .map(({ path }) => path.slice(0, -'checkpoint'.length))
    .sort((one, other) => one.split('/').length - other.split('/').length || one.length - other.length);
  const [root] = roots;
  if (root === undefined) return [];
  return files
    .filter(({ path }) => path.startsWith(root))
    .map(({ path, file }) => ({ path: path.slice(root.length), file }));
}
