import type { Disposable, TreeView } from 'vscode';
import type { DaemonLink, Hold } from '../daemon.ts';

/** Holds the line to the daemon while a view is visible. */
export class HeldWhileVisible implements Disposable {
  readonly #view: Pick<TreeView<unknown>, 'visible'>;
  readonly #daemon: DaemonLink;
  readonly #listener: Disposable;
  #hold: Hold | undefined;

  constructor(view: Pick<TreeView<unknown>, 'visible' | 'onDidChangeVisibility'>, daemon: DaemonLink) {
    this.#view = view;
    this.#daemon = daemon;
    this.#listener = view.onDidChangeVisibility(({ visible }) => {
      if (visible) this.#hold ??= daemon.hold();
      else this.#release();
    });
  }

  /**
   * Settled when it is known what to show: all, or why nothing. VS Code asks for a view's children before it says that
   * the view is visible; a view that it never shows, after all, holds nothing.
   */
  async reached(): Promise<void> {
    this.#hold ??= this.#daemon.hold();
    try {
      await this.#hold.api;
    } catch {
      // The store says why, and with it the welcome view.
    }
    if (!this.#view.visible) this.#release();
  }

  #release(): void {
    this.#hold?.dispose();
    this.#hold = undefined;
  }

  dispose(): void {
    this.#listener.dispose();
    this.#release();
  }
}
