/** `npm run picture`: makes the README's picture, `media/screenshot.png`, of a real VS Code on a real daemon. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { startHost, type TestHost } from '../support/daemon.ts';
import { products } from '../support/products.ts';
import { installVscode } from '../support/vscode-install.ts';
import { openFolder, openStage, untilFile } from '../support/vscode-stage.ts';
import { openWorkshop } from '../support/workshop.ts';

const env = `APP_NAME=Shop
APP_ENV=local

DB_CONNECTION=mysql
DB_HOST=db.example.com
DB_PORT=3306
DB_DATABASE=shop
DB_USERNAME=shop
DB_PASSWORD=

MAIL_FROM=shop@example.com
`;

const log = (line: string) => console.error(line);
const signal = AbortSignal.timeout(1_800_000);
await using workshop = await openWorkshop(log, signal);
const { serverMain, chromium } = await installVscode(log, signal);
const handedOver = {
  MYAAS_TEST_VSCODE: serverMain,
  MYAAS_TEST_CHROMIUM: chromium,
  MYAAS_SHOTS: 'dist/shots',
};
Object.assign(process.env, workshop.environment, handedOver);
await execa('npm', ['run', '--silent', 'package:vsix']);

async function hostOfATeam(settings: NodeJS.ProcessEnv): Promise<TestHost> {
  const host = await startHost({ ...settings, MYAAS_POOL: '1' });
  await host.importDump('shop', await readFile('test/data/chinook.sql', 'utf8'));
  for (const [template, name] of [
    ['blog', 'mysql'],
    ['crm', 'postgres'],
  ] as const) {
    const product = products.find((one) => one.name === name);
    if (!product) throw new Error(`There is no product ${name}.`);
    await host.writeDump(`${template}.${product.ending}`, product.dump);
    if (product.asksFor !== undefined) await host.writeDump(`${template}.engine`, product.asksFor);
  }
  await host.update();
  return host;
}

/** By dragging its edge. */
async function widenSidebar(byPx: number): Promise<void> {
  const box = await window.page.locator('.part.sidebar').boundingBox();
  if (!box) throw new Error('There is no sidebar.');
  const [x, y] = [box.x + box.width, box.y + box.height / 2];
  await window.page.mouse.move(x, y);
  await window.page.mouse.down();
  await window.page.mouse.move(x + byPx, y, { steps: 5 });
  await window.page.mouse.up();
}

await using stage = await openStage(hostOfATeam);
const token = stage.host.userToken('alice');
for (const [template, name, ttl] of [
  ['blog', 'comments', '2d'],
  ['crm', 'reports', '7d'],
  ['shop', 'slow-query', '1d'],
] as const) {
  const { body } = await stage.host.api<{ id: string }>('POST', '/v1/instances', {
    token,
    body: { template, name, ttl },
  });
  if (name === 'slow-query') await stage.host.api('POST', `/v1/instances/${body.id}/sleep`, { token });
}

await using place = await openFolder(stage, 'shop', { files: { '.env': env, '.gitignore': '.env\n' } });
const { window, folder } = place;
await window.page.setViewportSize({ width: 1280, height: 880 });
await window.showView();
await (await window.rowButton(/^Template shop,/, /New Database/)).click();
await window.answer('try-migration');
await untilFile(join(folder, '.env'), (text) => !text.includes('db.example.com'));
await window.row(/^Database try-migration,.*used by this workspace/).waitFor();
await window.activity('Explorer').click();
await window.row(/^\.env/).dblclick();
await window.page.locator('.editor-instance').getByText('MAIL_FROM').waitFor();
await window.showView();
await widenSidebar(140);
await window.hover(/^Database try-migration,/, 'from the pool', { x: 40, y: 11 });
await window.page.screenshot({ path: 'media/screenshot.png', animations: 'disabled' });
