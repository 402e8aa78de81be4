// Entry of verify.html and of verify-offline.html: the verifier's page alone.

import { mount } from 'svelte';
import '../design/tokens.css';
import '../design/base.css';
import { startTheme } from './theme.svelte.ts';
import VerifyApp from './VerifyApp.svelte';

const target = document.getElementById('app');
if (target === null) throw new Error('verify.html has no element "app"');
startTheme();
mount(VerifyApp, { target });
