// Entry of index.html: the voter's and the public pages.

import { mount } from 'svelte';
import '../design/tokens.css';
import '../design/base.css';
import App from './App.svelte';
import { startRouter } from './router.svelte.ts';
import { startTheme } from './theme.svelte.ts';

const target = document.getElementById('app');
if (target === null) throw new Error('index.html has no element "app"');
startTheme();
startRouter();
mount(App, { target });
