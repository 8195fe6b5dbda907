// Subscriptions in supergraph mode: clients and subgraphs as people run them, and the shipped binary between them.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import { createClient as createSSE } from 'graphql-sse';
import { createClient as createWS } from 'graphql-ws';
import WebSocket from 'ws';
import { startOrigin } from './origin.mjs';
import { startSupergraph } from './weir.mjs';

const supergraph = (url) => `
schema @link(url: "https://specs.apollo.dev/link/v1.0") @link(url: "https://specs.apollo.dev/join/v0.3", for: EXECUTION) { query: Query mutation: Mutation subscription: Subscription }
directive @join__field(graph: join__Graph) repeatable on FIELD_DEFINITION
directive @join__graph(name: String!, url: String!) on ENUM_VALUE
directive @join__type(graph: join__Graph!, key: join__FieldSet) repeatable on OBJECT | INTERFACE | INPUT_OBJECT
directive @link(url: String, as: String, for: link__Purpose, import: [link__Import]) repeatable on SCHEMA
scalar join__FieldSet
scalar link__Import
enum link__Purpose { SECURITY EXECUTION }
enum join__Graph { BOOKS @join__graph(name: "books", url: "${url}/graphql") }
type Book @join__type(graph: BOOKS, key: "id") { id: ID! title: String! }
input BookInput @join__type(graph: BOOKS) { id: ID! title: String! }
type Query @join__type(graph: BOOKS) { book(id: ID!): Book }
type Mutation @join__type(graph: BOOKS) { setBook(input: BookInput!): Book! }
type Subscription @join__type(graph: BOOKS) { count(to: Int!): Int! ticks: Int! }`;

/** with starts the subgraph and the sidecar. */
const between = (f, config) => async () => {
  const origin = await startOrigin();
  try {
    const weir = await startSupergraph(supergraph(origin.url), config);
    try { await f(weir, origin); } finally { await weir.stop(); }
  } finally { await origin.stop(); }
};

/** The clients of both protocols; each is the reference implementation of its own. */
const clients = {
  'graphql-sse': (weir) => createSSE({ url: `${weir.url}/graphql`, retryAttempts: 0 }),
  'graphql-ws': (weir, options) => createWS({ url: `${weir.url.replace('http', 'ws')}/graphql`, webSocketImpl: WebSocket, retryAttempts: 0, ...options }),
};

/** all collects what a client of either library gets, up to the end; leave() ends it before. */
function all(client, payload) {
  const got = [];
  let leave, first;
  const some = new Promise((resolve) => { first = resolve; });
  const end = new Promise((resolve, reject) => {
    leave = client.subscribe(payload, { next: (r) => { got.push(JSON.parse(JSON.stringify(r))); first(); }, error: reject, complete: () => resolve(got) });
  });
  return { end, leave, some, got };
}

const counted = (to) => Array.from({ length: to }, (_, i) => ({ data: { count: i + 1 } }));

/** closed waits until nothing is open. */
async function closed(weir) {
  for (let i = 0; await weir.metric('weir_subscriptions') + await weir.metric('weir_subscription_upstreams') !== 0; i++) {
    assert.ok(i < 200, 'a subscription is still open');
    await pause(25);
  }
}

for (const name of Object.keys(clients)) for (const protocol of ['ws', 'sse']) test(`${name}: subscriptions, queries, mutations and errors, over a subgraph that speaks ${protocol}`, between(async (weir) => {
  const client = clients[name](weir);
  const query = 'subscription Count($to: Int!) { count(to: $to) }';
  assert.deepEqual(await all(client, { query, variables: { to: 5 } }).end, counted(5));
  const many = await Promise.all(Array.from({ length: 20 }, (_, i) => all(client, { query, variables: { to: i + 1 } }).end));
  many.forEach((got, i) => assert.deepEqual(got, counted(i + 1)));
  assert.deepEqual(await all(client, { query: '{ book(id: "1") { title } }' }).end, [{ data: { book: { title: 'Weirs and Flumes' } } }]);
  assert.deepEqual(await all(client, { query: 'mutation { setBook(input: { id: "3", title: "Sills" }) { title } }' }).end, [{ data: { setBook: { title: 'Sills' } } }]);
  const [refused] = await all(client, { query: 'subscription { count(to: null) }' }).end.catch((e) => [e]);
  assert.ok(refused, 'an error');
  await closed(weir);
  assert.equal(await weir.metric('weir_subscription_events_total'), 5 + 210);
  client.dispose();
}, `supergraph: { subgraphs: { books: { subscriptions: { protocol: ${protocol}, path: ${protocol === 'ws' ? '/graphql' : '/graphql/stream'} } } } }`));

for (const name of Object.keys(clients)) test(`${name}: a client that leaves ends its upstream, and a new supergraph ends subscriptions with a code`, between(async (weir, origin) => {
  const client = clients[name](weir);
  const query = 'subscription { ticks }';
  const one = all(client, { query });
  await one.some;
  one.leave();
  await closed(weir);
  const two = all(client, { query });
  await two.some;
  weir.setup(`${supergraph(origin.url)}\n`);
  const said = await two.end.then((got) => got.at(-1).errors, (errors) => errors); // an event of the one protocol, a message of its own in the other
  assert.equal(said[0].extensions.code, 'subscription.changed');
  await closed(weir);
  client.dispose();
}, 'supergraph: { watch: 100ms }'));


test('graphql-ws: a sidecar that drains closes with 1001, and its client is told', between(async (weir) => {
  let told;
  const closed = new Promise((resolve) => { told = resolve; });
  const client = clients['graphql-ws'](weir, { shouldRetry: () => false, on: { closed: told } });
  const ticks = all(client, { query: 'subscription { ticks }' });
  ticks.end.catch(() => {}); // the close ends it, too
  await ticks.some;
  await weir.stop();
  assert.equal((await closed).code, 1001);
}));
