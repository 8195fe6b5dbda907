// The audit suite of graphql-http (61 audits of GraphQL over HTTP): through Weir as straight to the origin, and where Weir answers.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { buildSchema } from 'graphql';
import { serverAudits } from 'graphql-http';
import { createHandler } from 'graphql-http/lib/use/http';
import { startOrigin, typeDefs } from './origin.mjs';
import { startWeir } from './weir.mjs';

async function audit(url) {
  const results = {};
  for (const a of serverAudits({ url: `${url}/graphql` })) {
    const r = await a.fn();
    results[`${a.id} ${a.name}`] = r.status === 'ok' ? 'ok' : `${r.status}: ${r.reason}`;
  }
  assert.equal(Object.keys(results).length, 61);
  return results;
}

/** reference is graphql-http's own handler; it counts the requests it answers. With maxAge its answers may be cached. */
async function reference(maxAge) {
  const handler = createHandler({ schema: buildSchema('type Query { _: String }') });
  const state = { requests: 0 };
  const server = createServer((req, res) => {
    state.requests++;
    if (maxAge) res.setHeader('cache-control', `max-age=${maxAge}`);
    return handler(req, res);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  state.url = `http://127.0.0.1:${server.address().port}`;
  state.stop = () => { server.closeAllConnections(); server.close(); };
  return state;
}

test('Apollo Server: 61 results through Weir equal those straight to it', async () => {
  const origin = await startOrigin();
  const weir = await startWeir(origin, typeDefs.replace('#graphql', ''));
  try {
    const straight = await audit(origin.url);
    assert.deepEqual(await audit(weir.url), straight);
    assert.deepEqual(await audit(weir.url), straight, 'a second time');
  } finally {
    await weir.stop();
    await origin.stop();
  }
});

test('graphql-http: 61 results through Weir equal those straight to it', async () => {
  const origin = await reference();
  const weir = await startWeir(origin, '');
  try {
    const straight = await audit(origin.url);
    assert.ok(Object.values(straight).every((s) => s === 'ok'), JSON.stringify(straight));
    assert.deepEqual(await audit(weir.url), straight);
  } finally {
    await weir.stop();
    origin.stop();
  }
});

test('Weir itself: 61 of 61 with the origin gone', async () => {
  const origin = await reference(3600);
  const weir = await startWeir(origin, 'type Query { _: String }', `
  answer_errors: true
  validation: enforce
  variables: enforce
  get_mutation: enforce
`);
  try {
    await audit(weir.url); // what is answered with data is in the cache now
    origin.stop();
    const asked = origin.requests;
    const results = await audit(weir.url);
    assert.deepEqual(Object.entries(results).filter(([, r]) => r !== 'ok'), []);
    assert.equal(origin.requests, asked);
  } finally {
    await weir.stop();
  }
});
