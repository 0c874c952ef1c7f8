import assert from 'node:assert/strict';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import mysql from 'mysql2/promise';
import { tasks, workspace, type TaskExecution } from 'vscode';
import type { Instance } from '../../../daemon/contract/instances.ts';
import { taskType } from '../../../extension/manifest.ts';
import { readFacts } from './facts.ts';

const { url, adminToken, template } = readFacts();
const headers = { authorization: `Bearer ${adminToken}` };

async function instances(): Promise<Instance[]> {
  const answer = await fetch(`${url}/v1/instances`, { headers });
  return ((await answer.json()) as { instances: Instance[] }).instances;
}

/** Runs the workspace's task of our type, as `preLaunchTask` does; resolves to its exit code. */
async function runTask(): Promise<number | undefined> {
  const [task] = await tasks.fetchTasks({ type: taskType });
  assert.ok(task, 'VS Code finds no such task');
  const ended = new Promise<number | undefined>((resolve) => {
    const listener = tasks.onDidEndTaskProcess(({ execution, exitCode }) => {
      if (execution.task.name !== task.name) return;
      listener.dispose();
      resolve(exitCode);
    });
  });
  await (tasks.executeTask(task) as Promise<TaskExecution>);
  return ended;
}

describe('A task of type myaas', () => {
  const folder = workspace.workspaceFolders?.[0]?.uri.fsPath ?? '';
  const envFile = join(folder, '.env');

  afterEach(async () => {
    for (const { id } of await instances())
      await fetch(`${url}/v1/instances/${id}?force=1`, { method: 'DELETE', headers });
    await rm(envFile, { force: true });
  });

  it('makes a database, writes its credentials to .env, and ends with 0', async () => {
    assert.equal(await runTask(), 0);
    const written = parseEnv(await readFile(envFile, 'utf8'));
    const [made, ...others] = await instances();
    assert.equal(others.length, 0);
    assert.equal(made?.template, template);
    const connection = await mysql.createConnection(written['DATABASE_URL'] ?? '');
    try {
      const [rows] = await connection.query<mysql.RowDataPacket[]>('select count(*) as count from customers');
      assert.equal(rows[0]?.['count'], 3);
    } finally {
      await connection.end();
    }
  });

  it('uses the database that is there when it runs again', async () => {
    assert.equal(await runTask(), 0);
    const before = await readFile(envFile, 'utf8');
    assert.equal(await runTask(), 0);
    assert.equal((await instances()).length, 1);
    assert.equal(await readFile(envFile, 'utf8'), before);
  });
});
