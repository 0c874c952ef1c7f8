/** Which workspace folder is meant. */
import { window, workspace, type WorkspaceFolder } from 'vscode';
import { localFolders } from './usage.ts';

/** The only folder, or the active editor's; the first one when no editor tells. */
export function currentFolder(): WorkspaceFolder | undefined {
  const document = window.activeTextEditor?.document;
  const ofEditor = document && workspace.getWorkspaceFolder(document.uri);
  return ofEditor?.uri.scheme === 'file' ? ofEditor : localFolders()[0];
}
