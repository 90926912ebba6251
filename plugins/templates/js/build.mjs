// Builds the component. It needs only standard error of WASI, where `scanhost plugin test` sees why a call crashed.

import { writeFile } from 'node:fs/promises';
import { componentize } from '@bytecodealliance/componentize-js';

const { component } = await componentize({
  sourcePath: 'plugin.js',
  witPath: 'wit',
  worldName: '@KIND@',
  disableFeatures: ['clocks', 'fetch-event', 'http', 'random'],
});
await writeFile('@NAME@.wasm', component);
