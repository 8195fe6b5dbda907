// docs/supergraph.md as its reader plays it: the commands, one after another in one shell with the shipped binary, and what they are said to print.
// Only the ports differ, and what npm would install is there already.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

const root = join(import.meta.dirname, '..', '..');
const patience = 20_000; // milliseconds for one block

/** blocks lists the fenced blocks of a page, each with what is between it and the one before. */
const blocks = (page) => [...page.matchAll(/([^]*?)^```(\w*)\n([^]*?)^```$/gm)].map(([, before, kind, text]) => ({ before, kind, text }));

/** copy makes a folder that looks like the repository to the page's commands, with ports of its own. */
function copy() {
  const dir = mkdtempSync(join(tmpdir(), 'weir-docs-'));
  const ports = 2000 + Math.floor(Math.random() * 1200); // and one more digit
  const moved = (text) => text.replace(/\b410(\d)\b/g, `${ports}$1`);
  const at = join(dir, 'docs', 'supergraph');
  mkdirSync(at, { recursive: true });
  for (const name of readdirSync(join(root, 'docs', 'supergraph'))) {
    if (/\.(mjs|graphql|json)$/.test(name) && !name.startsWith('package-lock')) writeFileSync(join(at, name), moved(readFileSync(join(root, 'docs', 'supergraph', name), 'utf8')));
  }
  symlinkSync(join(root, 'bin'), join(dir, 'bin'));
  symlinkSync(join(import.meta.dirname, 'node_modules'), join(at, 'node_modules'));
  return { dir, at, page: moved(readFileSync(join(root, 'docs', 'supergraph.md'), 'utf8')), ready: `http://127.0.0.1:${ports}9/readyz` };
}

/** shell is one bash, to which commands are given as they are typed. */
function shell(cwd) {
  const child = spawn('bash', { cwd, detached: true, stdio: ['pipe', 'pipe', 'pipe'] });
  const exited = once(child, 'exit');
  let out = '';
  for (const s of [child.stdout, child.stderr]) s.on('data', (d) => { out += d; });
  const until = async (what, from) => {
    for (const end = Date.now() + patience; ; await pause(20)) {
      const seen = out.slice(from);
      if (what(seen)) return seen;
      if (Date.now() > end) throw new Error(`not seen in time; there was:\n${seen}`);
    }
  };
  let n = 0;
  return {
    /** run gives it lines and returns what was printed up to their end, or until what() is true of it. */
    run(lines, what) {
      const from = out.length, mark = `-- ${++n} --`;
      child.stdin.write(`${lines}\nprintf '\\n%s\\n' '${mark}'\n`);
      return until((seen) => seen.includes(mark) && (!what || what(seen)), from);
    },
    async end() {
      process.kill(-child.pid, 'SIGKILL'); // all that it has started
      await exited;
    },
  };
}

/** holds tells that the lines of want are among those of got, in their order. */
function holds(got, want) {
  const lines = got.split('\n');
  let at = 0;
  for (const line of want.trimEnd().split('\n')) {
    at = lines.indexOf(line, at) + 1;
    if (at === 0) return false;
  }
  return true;
}

test('docs/supergraph.md prints what it says', async () => {
  const { dir, at, page, ready } = copy();
  const bash = shell(dir);
  const shown = async (commands, want) => {
    const got = await bash.run(commands, (seen) => holds(seen, want)).catch((e) => e.message);
    assert.ok(holds(got, want), `${commands}\nis to print\n${want}\n${got}`);
  };
  try {
    let said = 0;
    const list = blocks(page);
    for (const [i, b] of list.entries()) {
      const next = list[i + 1];
      if (b.kind === 'sh') {
        // The reader waits until the sidecar is up before the next line is typed.
        const commands = b.text.replace('npm install\n', '').replace(/^(weir run .*&)$/m, `$1\nuntil curl -sf -o /dev/null ${ready}; do sleep 0.05; done`);
        if (next?.kind !== '' || next.before.trim() !== '') {
          const got = await bash.run(commands);
          assert.ok(/^in order$/m.test(got) || got.trim().startsWith('--'), `${commands}\nis to print nothing, or that all is in order\n${got}`);
        } else {
          await shown(commands, next.text);
          said++;
        }
      }
      const broken = b.before.match(/named with its place, here after `(.*)`:\s*$/);
      if (broken) {
        await shown(`${broken[1]}\nweir check --quiet --supergraph supergraph.graphql`, b.text);
        await bash.run('node compose.mjs');
        said++;
      }
      if (b.kind === 'yaml' && b.text.startsWith('listen:')) {
        writeFileSync(join(at, 'weir.yaml'), b.text);
        await shown('weir check --quiet -c weir.yaml && echo in order', 'in order');
        said++;
      }
    }
    assert.equal(said, 6, 'the page has other blocks than the test knows');
  } finally {
    await bash.end();
    rmSync(dir, { recursive: true, force: true });
  }
});
