/** Which database the `.env` of each workspace folder points at. */
import {
  EventEmitter,
  Range,
  RelativePattern,
  WorkspaceEdit,
  workspace,
  type TextDocument,
  type WorkspaceFolder,
} from 'vscode';
import type { Instance } from '../daemon/contract/instances.ts';
import { instanceOf, type OpenDocument, type WorkspaceFolder as EnvFolder } from './env/workspace-env.ts';
import type { Log } from './log.ts';
import { messageOf } from '../daemon/errors/error.ts';
import { envSettings } from './settings.ts';
import type { Lifetime } from './lifetime.ts';
import type { Store } from './store.ts';

export class Usage {
  readonly #store: Store;
  readonly #log: Pick<Log, 'warn'>;
  readonly #emitter = new EventEmitter<ReadonlySet<string>>();
  readonly #disposables: Lifetime[];
  readonly #watchers = new Map<string, Lifetime>();
  /** Instance ids by the folder's URI. */
  #used = new Map<string, string>();
  #reading: Promise<void> | undefined;
  #isStale = false;

  /** The ids of the instances that are used now and were not, or the other way round. */
  readonly onDidChange = this.#emitter.event;

  constructor(store: Store, log: Pick<Log, 'warn'>) {
    this.#store = store;
    this.#log = log;
    this.#disposables = [
      this.#emitter,
      store.onDidChange((changes) => {
        if (changes.some((change) => change.of === 'instance' && change.what !== 'changed'))
          void this.refresh();
      }),
      workspace.onDidChangeWorkspaceFolders(() => {
        this.#watch();
        void this.refresh();
      }),
      workspace.onDidChangeConfiguration((event) => {
        if (event.affectsConfiguration('myaas.env')) void this.refresh();
      }),
    ];
    this.#watch();
  }

  /** The instance that a folder's `.env` points at. */
  in(folder: WorkspaceFolder): Instance | undefined {
    const id = this.#used.get(folder.uri.toString());
    return id === undefined ? undefined : this.#store.instance(id);
  }

  isUsed(id: string): boolean {
    return [...this.#used.values()].includes(id);
  }

  /** Reads the files anew. Resolves when what is known is what was in them at the time of the call, or later. */
  async refresh(): Promise<void> {
    this.#isStale = true;
    return (this.#reading ??= this.#readUntilFresh().finally(() => (this.#reading = undefined)));
  }

  async #readUntilFresh(): Promise<void> {
    while (this.#isStale) {
      this.#isStale = false;
      await this.#read();
    }
  }

  async #read(): Promise<void> {
    const used = new Map<string, string>();
    const { instances } = this.#store;
    for (const folder of instances.length === 0 ? [] : localFolders()) {
      try {
        const instance = await instanceOf(envFolder(folder), envSettings(folder), instances);
        if (instance) used.set(folder.uri.toString(), instance.id);
      } catch (error) {
        this.#log.warn(`The .env of ${folder.name} cannot be read: ${messageOf(error)}`);
      }
    }
    const before = new Set(this.#used.values());
    const after = new Set(used.values());
    this.#used = used;
    const changed = new Set([...before, ...after].filter((id) => before.has(id) !== after.has(id)));
    if (changed.size > 0) this.#emitter.fire(changed);
  }

  #watch(): void {
    for (const watcher of this.#watchers.values()) watcher.dispose();
    this.#watchers.clear();
    for (const folder of localFolders()) {
      const watcher = workspace.createFileSystemWatcher(new RelativePattern(folder, '{.env,.env.*}'));
      const onEvent = (): void => void this.refresh();
      watcher.onDidCreate(onEvent);
      watcher.onDidChange(onEvent);
      watcher.onDidDelete(onEvent);
      this.#watchers.set(folder.uri.toString(), watcher);
    }
  }

  dispose(): void {
    for (const each of [...this.#disposables, ...this.#watchers.values()]) each.dispose();
  }
}

/** The folders that have a `.env` on this machine. */
export function localFolders(): readonly WorkspaceFolder[] {
  return (workspace.workspaceFolders ?? []).filter(({ uri }) => uri.scheme === 'file');
}

/** A folder as the `.env` editor wants it. */
export function envFolder(folder: WorkspaceFolder): EnvFolder {
  return {
    path: folder.uri.fsPath,
    documentAt(path) {
      const document = workspace.textDocuments.find((each) => each.isDirty && each.uri.fsPath === path);
      return document && openDocument(document);
    },
  };
}

function openDocument(document: TextDocument): OpenDocument {
  return {
    text: document.getText(),
    async replace(text) {
      const edit = new WorkspaceEdit();
      const end = document.lineAt(document.lineCount - 1).range.end;
      edit.replace(document.uri, new Range(0, 0, end.line, end.character), text);
      await workspace.applyEdit(edit);
      // Programs read the file, not the editor.
      await document.save();
    },
  };
}
