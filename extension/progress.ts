/** Work that takes its time: shown in its view and the status bar at once, and with a button to cancel it when it lasts. */
import { ProgressLocation, window, type Progress } from 'vscode';
import { failures } from './errors.ts';

/** Making a database takes less; a notification for it would only flash. */
const lastingMs = 1500;

export interface Work<T> {
  /** Says what is done and to what: `Making the database "shop-main"`. */
  readonly title: string;
  readonly viewId: string;
  /** False for what cannot be undone half-way. */
  readonly isCancellable?: boolean;
  /** Aborted by the user's click on Cancel. `report` says which phase it is in. */
  readonly run: (signal: AbortSignal, report: (phase: string) => void) => Promise<T>;
}

/** Throws `MYAAS_CANCELLED` when it was cancelled and what was begun is undone. */
export async function withProgress<T>({ title, viewId, isCancellable = true, run }: Work<T>): Promise<T> {
  const controller = new AbortController();
  const shown = new Set<Progress<{ message?: string }>>();
  let phase: string | undefined;
  const working = run(controller.signal, (message) => {
    phase = message;
    for (const each of shown) each.report({ message });
  });
  const settled = working.then(
    () => undefined,
    () => undefined,
  );
  const showWhileWorking = async (progress: Progress<{ message?: string }>): Promise<void> => {
    shown.add(progress);
    if (phase !== undefined) progress.report({ message: phase });
    await settled;
  };
  void window.withProgress({ location: { viewId } }, showWhileWorking);
  void window.withProgress({ location: ProgressLocation.Window, title }, showWhileWorking);
  const timer = setTimeout(() => {
    const options = { location: ProgressLocation.Notification, title, cancellable: isCancellable };
    void window.withProgress(options, async (progress, token) => {
      token.onCancellationRequested(() => controller.abort(failures.cancelled(title)));
      await showWhileWorking(progress);
    });
  }, lastingMs);
  try {
    return await working;
  } finally {
    clearTimeout(timer);
  }
}
