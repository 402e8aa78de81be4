// ESLint for the whole web client: TypeScript's strict rules with types, Svelte's recommended ones.

import svelte from 'eslint-plugin-svelte';
import tseslint from 'typescript-eslint';

const noBackDoor = [
  { selector: 'MemberExpression[property.name=/^(innerHTML|outerHTML|insertAdjacentHTML)$/]', message: 'Text only.' },
  { selector: "NewExpression[callee.name='Function']", message: 'No code from text.' },
  { selector: 'ExportDefaultDeclaration', message: 'Only Svelte components are default exports.' },
];

const noDecisionOnWords = [
  {
    selector: 'BinaryExpression[operator=/^[!=]==$/] > MemberExpression[property.name=/^(message|verdictLine)$/]',
    message: 'Words are for people: decide on a class, a check or another value.',
  },
  {
    selector:
      'CallExpression[callee.property.name=/^(startsWith|endsWith|includes|match)$/] > ' +
      'MemberExpression > MemberExpression[property.name=/^(message|reason|verdict|verdictLine)$/]',
    message: 'Words are for people: decide on a class, a check or another value.',
  },
];

export default tseslint.config(
  { ignores: ['dist/', 'dist-*/', 'node_modules/', 'eslint.config.js'] },
  ...tseslint.configs.strictTypeChecked,
  ...svelte.configs.recommended,
  {
    languageOptions: {
      parserOptions: {
        project: './tsconfig.json',
        extraFileExtensions: ['.svelte'],
        tsconfigRootDir: import.meta.dirname,
      },
    },
    rules: {
      eqeqeq: 'error',
      'no-console': 'error',
      'no-eval': 'error',
      'no-implied-eval': 'error',
      'no-restricted-syntax': ['error', ...noBackDoor],
      // `return reject(...)`, async methods of an interface, and text taken by code points are meant.
      '@typescript-eslint/no-confusing-void-expression': 'off',
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/no-misused-spread': 'off',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
    },
  },
  {
    files: ['**/*.svelte', '**/*.svelte.ts'],
    languageOptions: { parserOptions: { parser: tseslint.parser } },
    rules: {
      'svelte/no-at-html-tags': 'error',
      'svelte/no-inline-styles': ['error', { allowTransitions: false }],
      'svelte/button-has-type': 'error',
      // Local Maps, Dates and URLs are values here; state is kept in $state and replaced whole.
      'svelte/prefer-svelte-reactivity': 'off',
      // The parser sees $state and bound variables as never assigned.
      'prefer-const': 'off',
      '@typescript-eslint/no-unnecessary-condition': 'off',
      // Components' props have types only for svelte-check, which checks them.
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
    },
  },
  {
    files: ['src/**', 'node/**', 'build/**'],
    rules: { 'no-restricted-syntax': ['error', ...noBackDoor, ...noDecisionOnWords] },
  },
  {
    files: ['tests/**'],
    rules: {
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-base-to-string': 'off',
    },
  },
  {
    files: ['*.config.ts'],
    rules: { 'no-restricted-syntax': ['error', ...noBackDoor.slice(0, 2)] },
  },
  {
    files: ['node/**', 'build/**'],
    rules: { 'no-console': 'off' },
  },
);
