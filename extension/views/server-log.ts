/** Servers' logs, as documents that cannot be written. */
import {
  EventEmitter,
  Uri,
  window,
  workspace,
  type Disposable,
  type TextDocumentContentProvider,
} from 'vscode';
import type { Instance } from '../../daemon/contract/instances.ts';
import type { DaemonLink } from '../daemon.ts';
import { schemes } from '../manifest.ts';

export class ServerLogs implements TextDocumentContentProvider, Disposable {
  readonly #daemon: DaemonLink;
  readonly #changed = new EventEmitter<Uri>();
  readonly #registration: Disposable;
  readonly onDidChange = this.#changed.event;

  constructor(daemon: DaemonLink) {
    this.#daemon = daemon;
    this.#registration = workspace.registerTextDocumentContentProvider(schemes.log, this);
  }

  async provideTextDocumentContent(uri: Uri): Promise<string> {
    return this.#daemon.during((api) => api.serverLog(uri.query));
  }

  /** Opens an instance's log as it is now, its end in sight. */
  async show({ id, template, name }: Instance): Promise<void> {
    const uri = Uri.from({ scheme: schemes.log, path: `/${template}/${name}.log`, query: id });
    const isOpen = workspace.textDocuments.some((each) => each.uri.toString() === uri.toString());
    if (isOpen) this.#changed.fire(uri);
    const document = await workspace.openTextDocument(uri);
    const end = document.lineAt(document.lineCount - 1).range.end;
    const editor = await window.showTextDocument(document, { preview: true });
    editor.revealRange(document.validateRange(document.lineAt(end.line).range));
  }

  dispose(): void {
    this.#changed.dispose();
    this.#registration.dispose();
  }
}
