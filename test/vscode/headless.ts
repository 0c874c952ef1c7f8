/** The suite of `in-host` in a VS Code without a display; tells its parent process, `test/run.ts`, how it went. */
import type { Report } from '../support/report.ts';
import { runHeadless } from '../support/vscode-in-host.ts';
import { setScene, tell } from '../support/vscode-scene.ts';

await using scene = await setScene();
process.send?.(tell(await runHeadless(scene)) satisfies Report);
