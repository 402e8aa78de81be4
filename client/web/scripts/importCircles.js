// Fails where modules import each other in a circle. An import of types counts: who reads one module of a circle has to
// read them all, whatever is left of it when it runs. Svelte components count too, and so do workers, which name their
// script by its address.
//
//     node scripts/importCircles.js src tests node benchmarks build
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, extname, join, normalize } from 'node:path';
import process from 'node:process';
import { parse } from 'svelte/compiler';
import ts from 'typescript';

const READ = new Set(['.ts', '.js', '.svelte']);

/** @type {(folder: string) => string[]} */
function modulesIn(folder) {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((path) => join(folder, path))
    .filter((path) => READ.has(extname(path)))
    .sort();
}

/** The TypeScript in a file: all of it, or a component's two scripts. @type {(path: string) => string} */
function codeOf(path) {
  const text = readFileSync(path, 'utf8');
  if (extname(path) !== '.svelte') return text;
  const { module, instance } = parse(text, { modern: true });
  return [module, instance]
    .map((script) => {
      const program = /** @type {{ start: number, end: number } | undefined} */ (
        /** @type {unknown} */ (script?.content)
      );
      return program === undefined ? '' : text.slice(program.start, program.end);
    })
    .join('\n');
}

/** What a file names in `import`, `export … from`, `import('…')` and types of it. @type {(path: string) => string[]} */
function namedIn(path) {
  /** @type {string[]} */
  const found = [];
  /** @type {(node: ts.Node) => void} */
  const visit = (node) => {
    const named =
      ts.isImportDeclaration(node) || ts.isExportDeclaration(node)
        ? node.moduleSpecifier
        : ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)
          ? node.argument.literal
          : ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword
            ? node.arguments[0]
            : undefined;
    if (named !== undefined && ts.isStringLiteral(named)) found.push(named.text);
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(path, codeOf(path), ts.ScriptTarget.Latest));
  return found;
}

/** The modules of ours that a module imports. @type {(path: string) => string[]} */
function importsOf(path) {
  const own = namedIn(path)
    .filter((name) => name.startsWith('.'))
    .map((name) => normalize(join(dirname(path), name.replace(/\?.*$/, ''))));
  // Imports carry their ending here (tsconfig.json), so a name that is no file is a mistake of this script or of the import.
  const lost = own.find((target) => !existsSync(target));
  if (lost !== undefined) throw new Error(`${path} imports ${lost}, which is not there`);
  return own.filter((target) => READ.has(extname(target)));
}

/** The shortest way from `start` back to itself; null where there is none. @type {(imports: Map<string, string[]>, start: string) => string[] | null} */
function circleFrom(imports, start) {
  const seen = new Set();
  let ways = [[start]];
  while (ways.length > 0) {
    /** @type {string[][]} */
    const longer = [];
    for (const way of ways) {
      for (const next of imports.get(way.at(-1) ?? '') ?? []) {
        if (next === start) return [...way, start];
        if (!seen.has(next)) longer.push([...way, next]);
        seen.add(next);
      }
    }
    ways = longer;
  }
  return null;
}

const imports = new Map(
  process.argv
    .slice(2)
    .flatMap(modulesIn)
    .map((path) => [path, importsOf(path)]),
);
const reported = new Set();
for (const path of imports.keys()) {
  if (reported.has(path)) continue;
  const circle = circleFrom(imports, path);
  if (circle === null) continue;
  for (const member of circle) reported.add(member);
  process.exitCode = 1;
  process.stderr.write(`imports in a circle: ${circle.join(' → ')}\n`);
}
