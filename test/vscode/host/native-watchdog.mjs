/**
 * Takes the place of @vscode/native-watchdog in the VS Code of the tests: npm would have to compile that one. It ends
 * an extension host whose parent has died; the tests end the whole process group.
 */
export function start() {}
