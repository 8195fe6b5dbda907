// Starts the shipped binary in front of an origin.
import { spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { mkdtempSync, renameSync, writeFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';

const binary = join(import.meta.dirname, '..', '..', 'bin', 'weir');

async function freePort() {
  const s = createServer();
  s.listen(0, '127.0.0.1');
  await once(s, 'listening');
  const { port } = s.address();
  s.close();
  await once(s, 'close');
  return port;
}

/** startWeir runs `weir run` before origin, or over the subgraphs of origin.supergraph, with the given schema text and policy (lines of YAML, under `policy:`). */
export async function startWeir(origin, schema, policy = '') {
  const files = {}, args = [];
  if (origin.supergraph) {
    files['supergraph.graphql'] = origin.supergraph;
    args.push('--supergraph', 'supergraph.graphql');
  } else {
    args.push('--upstream', origin.url);
  }
  if (schema) {
    files['schema.graphql'] = schema;
    args.push('--schema', 'schema.graphql');
  }
  if (policy) {
    files['weir.yaml'] = 'policy:\n' + policy;
    args.push('-c', 'weir.yaml');
  }
  return run(args, files);
}

/** startSupergraph runs `weir run` over the subgraphs of an SDL; setup() puts another one in its place. config is YAML. */
export async function startSupergraph(sdl, config = '') {
  const weir = await run(['-c', 'weir.yaml', '--supergraph', 'supergraph.graphql'], { 'supergraph.graphql': sdl, 'weir.yaml': config });
  return { ...weir, setup: (text) => weir.replace('supergraph.graphql', text) };
}

async function run(own, files) {
  const dir = mkdtempSync(join(tmpdir(), 'weir-e2e-'));
  const port = await freePort(), admin = await freePort();
  for (const [name, text] of Object.entries(files)) writeFileSync(join(dir, name), text);
  const args = ['run', '--listen', `127.0.0.1:${port}`, '--admin', `127.0.0.1:${admin}`, '--service', 'e2e', ...own.map((a) => (a in files ? join(dir, a) : a))];
  const child = spawn(binary, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let log = '';
  child.stdout.on('data', (d) => { log += d; });
  child.stderr.on('data', (d) => { log += d; });
  const exited = once(child, 'exit');
  const url = `http://127.0.0.1:${port}`, adminURL = `http://127.0.0.1:${admin}`;
  for (let i = 0; ; i++) {
    const ready = await fetch(`${adminURL}/readyz`).then((r) => r.ok, () => false);
    if (ready) break;
    if (i > 200 || child.exitCode !== null) throw new Error(`weir did not become ready:\n${log}`);
    await pause(25);
  }
  return {
    url, port, adminURL,
    log: () => log,
    metric: async (name) => {
      const text = await fetch(`${adminURL}/metrics`).then((r) => r.text());
      return Number(text.split('\n').find((l) => l.startsWith(`${name} `))?.slice(name.length));
    },
    replace(name, text) {
      writeFileSync(join(dir, `${name}.new`), text);
      renameSync(join(dir, `${name}.new`), join(dir, name));
    },
    async stop() {
      child.kill('SIGTERM');
      const [code] = await exited;
      rmSync(dir, { recursive: true, force: true });
      if (code !== 0) throw new Error(`weir ended with ${code}:\n${log}`);
    },
  };
}
