import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import mysql from 'mysql2/promise';
import { listenForReset, openFolder, openStage, untilFile, type Stage } from '../support/vscode-stage.ts';

const laravelEnv = `# The application's
APP_NAME="Shop"   # as customers see it
DB_CONNECTION=mysql
DB_HOST=db.example.com
DB_PORT=3306
DB_DATABASE=shop
DB_USERNAME=shop
DB_PASSWORD=
MAIL_FROM='shop@example.com'
`;

/** As the application does: with nothing but what is in the file. */
async function queryAs(envFile: string, sql: string): Promise<mysql.RowDataPacket[]> {
  const env = parseEnv(await readFile(envFile, 'utf8'));
  const connection = await mysql.createConnection({
    host: env['DB_HOST'] ?? '',
    port: Number(env['DB_PORT']),
    user: env['DB_USERNAME'] ?? '',
    password: env['DB_PASSWORD'] ?? '',
    database: env['DB_DATABASE'] ?? '',
  });
  try {
    return (await connection.query<mysql.RowDataPacket[]>(sql))[0];
  } finally {
    await connection.end();
  }
}

describe('A person with VS Code', function () {
  this.timeout(240_000);
  let stage: Stage;
  before(async () => void (stage = await openStage()));
  after(() => stage[Symbol.asyncDispose]());

  it('gets a database by a click, uses, resets and deletes it', async () => {
    const before = await stage.host.census();
    await using place = await openFolder(stage, 'shop', {
      files: { '.env': laravelEnv, 'app.js': '// …\n' },
    });
    const { window, folder } = place;
    const envFile = join(folder, '.env');
    assert.deepEqual(stage.relay.requests, [], 'it asked the daemon before anybody wanted something of it');

    await window.showView();
    await window.row(/^Template shop,/).waitFor();
    await window.shot('10-empty');
    await (await window.rowButton(/^Template shop,/, /New Database/)).click();
    await window.quickInputBox.waitFor();
    assert.equal(await window.quickInputBox.inputValue(), 'shop');
    await window.shot('11-name');
    await window.answer('checkout-fix');

    await window.row(/^Database checkout-fix,.* ready/).waitFor();
    const written = await untilFile(envFile, (text) => !text.includes('db.example.com'));
    await window.row(/^Database checkout-fix,.*used by this workspace/).waitFor();
    await window.shot('12-ready');
    const changed = (line: string) => /^DB_(?:CONNECTION|HOST|PORT|DATABASE|USERNAME|PASSWORD)=/.test(line);
    assert.deepEqual(
      written.split('\n').map((line) => (changed(line) ? '' : line)),
      laravelEnv.split('\n').map((line) => (changed(line) ? '' : line)),
      'lines that are not ours are as they were',
    );
    const [instance] = (await stage.host.api<{ instances: { id: string }[] }>('GET', '/v1/instances')).body
      .instances;
    assert.ok(instance);

    assert.equal((await queryAs(envFile, 'select name from customers where id = 1'))[0]?.['name'], 'Ada');
    await queryAs(envFile, "update customers set name = 'nobody'");
    assert.equal((await queryAs(envFile, 'select name from customers where id = 1'))[0]?.['name'], 'nobody');

    const reset = await listenForReset(stage.host);
    await (await window.rowButton(/^Database checkout-fix,/, /Reset/)).click();
    await window.dialog.waitFor();
    await window.shot('13-reset-question');
    await window.dialog.getByRole('button', { name: /Reset/ }).click();
    await reset.done;
    await window.row(/^Database checkout-fix,.* ready/).waitFor();
    assert.equal((await queryAs(envFile, 'select name from customers where id = 1'))[0]?.['name'], 'Ada');
    assert.equal(await readFile(envFile, 'utf8'), written);

    await (await window.rowButton(/^Database checkout-fix,/, /Delete/)).click();
    await window.dialog.waitFor();
    await window.shot('14-delete-question');
    assert.match(await window.dialog.innerText(), /checkout-fix[^]*alice/);
    await window.dialog.getByRole('button', { name: /Delete/ }).click();
    await window.row(/^Database checkout-fix,/).waitFor({ state: 'detached' });
    const left = await untilFile(envFile, (text) => !text.includes('DB_PASSWORD'));
    await window.shot('15-deleted');
    assert.deepEqual(
      left.split('\n'),
      laravelEnv.split('\n').filter((line) => !changed(line)),
    );
    assert.deepEqual(await stage.host.census(), before);
    assert.equal(await window.notifications.count(), 0, 'nothing pops up while all goes well');
  });
});
