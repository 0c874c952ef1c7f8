import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { isName } from '../../daemon/names.ts';
import { branchOf } from '../../extension/branch.ts';
import { offerName, problemOf } from '../../extension/names.ts';

describe('The name offered for a new database', () => {
  const offered = (folder: string | undefined, branch: string | undefined, ...taken: string[]) =>
    offerName({ folder, branch }, new Set(taken));

  it('is made of folder and git branch', () => {
    assert.equal(offered('shop', 'main'), 'shop-main');
    assert.equal(offered('Shop', 'feat/CHECKOUT_2'), 'shop-feat-checkout_2');
    assert.equal(offered('shop', undefined), 'shop');
    assert.equal(offered(undefined, undefined), 'database');
  });

  it('keeps what can be kept of letters that a name cannot have', () => {
    assert.equal(offered('Bücher', 'fix/naïve'), 'bucher-fix-naive');
    assert.equal(offered('日本', '語'), 'database');
    assert.equal(offered('.config', '-x-'), 'config-x');
  });

  it('has a number when it is taken', () => {
    assert.equal(offered('shop', 'main', 'shop-main'), 'shop-main-2');
    assert.equal(offered('shop', 'main', 'shop-main', 'shop-main-2'), 'shop-main-3');
  });

  it('is one that the daemon takes, whatever folder and branch are called', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (folder, branch) => {
        const first = offerName({ folder, branch }, new Set());
        const second = offerName({ folder, branch }, new Set([first]));
        assert.ok(isName('instance', first), first);
        assert.ok(isName('instance', second), second);
        assert.notEqual(first, second);
      }),
    );
  });
});

describe('A name typed for a new database', () => {
  it('is found wrong exactly when the daemon would refuse it', () => {
    const almost = fc.stringMatching(/^[A-Za-z0-9_. -]{0,66}$/);
    fc.assert(
      fc.property(fc.oneof(almost, fc.string()), (name) =>
        assert.equal(problemOf(name, new Set()) === undefined, isName('instance', name)),
      ),
    );
  });

  it('is told what is wrong with it', () => {
    const taken = new Set(['mine']);
    assert.equal(problemOf('', taken), 'empty');
    assert.equal(problemOf('x'.repeat(64), taken), 'too-long');
    assert.equal(problemOf('-x', taken), 'first-character');
    assert.equal(problemOf('a b', taken), 'character');
    assert.equal(problemOf('mine', taken), 'taken');
  });
});

describe('The git branch of a folder', () => {
  let directory: string;
  beforeEach(async () => void (directory = await mkdtemp(join(tmpdir(), 'myaas-branch-'))));
  afterEach(() => rm(directory, { recursive: true }));

  const put = async (file: string, text: string) => {
    await mkdir(join(directory, file, '..'), { recursive: true });
    await writeFile(join(directory, file), text);
  };

  it('is the one of the repository around it', async () => {
    await put('.git/HEAD', 'ref: refs/heads/feat/checkout\n');
    await mkdir(join(directory, 'packages/api'), { recursive: true });
    assert.equal(await branchOf(join(directory, 'packages/api')), 'feat/checkout');
  });

  it('is a worktree’s own', async () => {
    await put('main/.git/HEAD', 'ref: refs/heads/main\n');
    await put('main/.git/worktrees/fix/HEAD', 'ref: refs/heads/fix\n');
    await put('fix/.git', 'gitdir: ../main/.git/worktrees/fix\n');
    assert.equal(await branchOf(join(directory, 'fix')), 'fix');
  });

  it('is none when HEAD is detached', async () => {
    await put('.git/HEAD', '8daf965e1c0f4b7f6a1b2c3d4e5f60718293a4b5\n');
    assert.equal(await branchOf(directory), undefined);
  });
});
