/** A window of VS Code in a headless Chromium, used as a person uses it: by what is seen, clicked and typed. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser, BrowserContext, Locator, Page } from 'playwright-core';
import type { VscodeServer } from './vscode-server.ts';

/** Long enough for a busy machine; nothing waits this long where all is well. */
export const patienceMs = 30_000;
/** For a window to come up. */
const openingMs = 90_000;

/** How long a hover takes to come up; one that never does was lost with the row that it was of. */
const hoverMs = 10_000;
const hoverAttempts = 6;

const size = { width: 1280, height: 800 };

/** What the address of a window says besides the folder, as pairs. */
export type Payload = readonly (readonly [key: string, value: string])[];

export interface WindowOptions {
  /** An absolute folder, or a `.code-workspace` file. */
  readonly open?: string;
  readonly payload?: Payload;
}

export class VscodeWindow implements AsyncDisposable {
  readonly page: Page;
  readonly #context: BrowserContext;

  private constructor(context: BrowserContext, page: Page) {
    this.#context = context;
    this.page = page;
  }

  /** A blank page that reaches nothing but this machine; `go` makes it a window. */
  static async blank(browser: Browser): Promise<VscodeWindow> {
    const context = await browser.newContext({ viewport: size, reducedMotion: 'reduce', locale: 'en-US' });
    context.setDefaultTimeout(patienceMs);
    await context.grantPermissions(['clipboard-read', 'clipboard-write']);
    await context.route(
      ({ hostname, protocol }) => protocol.startsWith('http') && hostname !== '127.0.0.1',
      (route) => route.abort('blockedbyclient'),
    );
    return new VscodeWindow(context, await context.newPage());
  }

  static async open(browser: Browser, server: VscodeServer, options: WindowOptions): Promise<VscodeWindow> {
    const window = await VscodeWindow.blank(browser);
    await window.go(server, options);
    return window;
  }

  async go(server: VscodeServer, { open, payload = [] }: WindowOptions): Promise<void> {
    const query = new URLSearchParams({ payload: JSON.stringify([['skipWelcome', 'true'], ...payload]) });
    if (open === undefined) query.set('ew', 'true');
    else query.set(open.endsWith('.code-workspace') ? 'workspace' : 'folder', open);
    await this.page.goto(`http://${server.authority}/?${query.toString()}`);
    await this.page.locator('.monaco-workbench').waitFor({ timeout: openingMs });
    // What the extension contributes is known from now on, its commands too.
    await this.activity('MyAAS').waitFor({ timeout: openingMs });
  }

  // What is there

  /** The icon of a view container. */
  activity(name: string): Locator {
    return this.page.locator('.activitybar').getByRole('tab', { name });
  }

  /** A row of a tree; `name` is what a screen reader says, or a part of it. */
  row(name: string | RegExp): Locator {
    return this.page.locator('.sidebar').getByRole('treeitem', { name });
  }

  /** A button on a row; it is there when the pointer is. */
  async rowButton(row: string | RegExp, button: string | RegExp): Promise<Locator> {
    await this.row(row).hover();
    return this.row(row).getByRole('button', { name: button });
  }

  /** Points at a row (at its middle) until its hover shows a text: a row that is drawn anew under the pointer shows none. */
  async hover(row: RegExp, text: string, position?: { x: number; y: number }): Promise<void> {
    const shown = this.page.locator('.monaco-hover').getByText(text);
    for (let attempt = 1; ; attempt++) {
      await this.page.mouse.move(size.width / 2, size.height / 2);
      await this.row(row).hover(position && { position });
      try {
        await shown.waitFor({ timeout: hoverMs });
        return;
      } catch (error) {
        if (attempt === hoverAttempts) throw error;
      }
    }
  }

  /**
   * Notes every row whose content is drawn anew from now on; VS Code numbers the rows below a changed one anew, too,
   * which does not count. Returns what tells their names so far, such as `Template shop`.
   */
  async noteRedrawnRows(): Promise<() => Promise<ReadonlySet<string>>> {
    await this.page.evaluate(`{
      globalThis.redrawnRows = new Set();
      new MutationObserver((records) => {
        for (const { target } of records) {
          const row = (target.closest ? target : target.parentElement)?.closest('[role=treeitem]');
          if (row) redrawnRows.add((row.getAttribute('aria-label') ?? '').split(',')[0]);
        }
      }).observe(document.querySelector('.sidebar'), { subtree: true, childList: true, characterData: true });
    }`);
    return async () => new Set(await this.page.evaluate<string[]>('[...redrawnRows]'));
  }

  statusItem(name: string | RegExp): Locator {
    return this.page.locator('.statusbar').getByRole('button', { name });
  }

  get notifications(): Locator {
    return this.page.locator('.notification-toast');
  }

  get dialog(): Locator {
    return this.page.locator('.monaco-dialog-box');
  }

  get quickInput(): Locator {
    return this.page.locator('.quick-input-widget:visible');
  }

  get quickInputBox(): Locator {
    return this.quickInput.locator('.quick-input-box input');
  }

  /** A choice of the question that is asked; where several can be chosen, a box to be ticked. */
  option(name: string | RegExp): Locator {
    return this.quickInput
      .getByRole('option', { name })
      .or(this.quickInput.getByRole('checkbox', { name }))
      .first();
  }

  // What is done

  async showView(): Promise<void> {
    const tab = this.activity('MyAAS');
    // A click on the icon of the view that is shown hides it.
    if ((await tab.getAttribute('aria-selected')) !== 'true') await tab.click();
  }

  /** Runs a command by its title, from the palette. */
  async command(title: string): Promise<void> {
    await this.page.keyboard.press('F1');
    await this.quickInputBox.fill(`>${title}`);
    await this.option(title).waitFor();
    await this.page.keyboard.press('Enter');
  }

  /** Types into the question that is asked, and accepts. */
  async answer(text: string): Promise<void> {
    await this.quickInputBox.fill(text);
    await this.page.keyboard.press('Enter');
  }

  /** Chooses from the context menu of a row. */
  async rowMenu(row: string | RegExp, entry: string | RegExp): Promise<void> {
    await this.row(row).click({ button: 'right' });
    await this.page.getByRole('menuitem', { name: entry }).hover();
    // A click just after the menu's opening is taken for a slip of the hand.
    await this.page.keyboard.press('Enter');
  }

  /** Leaves a picture in MYAAS_SHOTS, or `dist/shots`. */
  async shot(name: string): Promise<void> {
    const directory = process.env['MYAAS_SHOTS'] ?? 'dist/shots';
    await mkdir(directory, { recursive: true });
    await this.page.screenshot({ path: join(directory, `${name}.png`), animations: 'disabled' });
  }

  async close(): Promise<void> {
    // For whoever asks why a test failed.
    await this.shot('last-seen');
    await this.#context.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
