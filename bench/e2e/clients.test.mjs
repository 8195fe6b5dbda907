// Each scenario runs twice, straight to Apollo Server and through Weir; the client must see the same.
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { ApolloClient, InMemoryCache, HttpLink, gql } from '@apollo/client';
import { BatchHttpLink } from '@apollo/client/link/batch-http';
import { PersistedQueryLink } from '@apollo/client/link/persisted-queries';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { Client, fetchExchange } from '@urql/core';
import { persistedExchange } from '@urql/exchange-persisted';
import { GraphQLClient, batchRequests } from 'graphql-request';
import { createClient as createWS } from 'graphql-ws';
import { createClient as createSSE } from 'graphql-sse';
import WebSocket from 'ws';
import { startOrigin, typeDefs } from './origin.mjs';
import { startWeir } from './weir.mjs';

const schema = typeDefs.replace('#graphql', '');
const BOOK = 'query Book($id: ID!) { book(id: $id) { __typename id title pages } }';
const SET = 'mutation Set($input: BookInput!) { setBook(input: $input) { __typename id title pages } }';
const sha256 = async (s) => createHash('sha256').update(s).digest('hex');

let origin, weir;
before(async () => {
  origin = await startOrigin();
  weir = await startWeir(origin, schema);
});
after(async () => {
  await weir?.stop();
  await origin?.stop();
});

/** same runs the scenario against both addresses and compares what it returns. */
async function same(scenario) {
  const straight = await scenario(origin.url);
  const through = await scenario(weir.url);
  assert.deepEqual(through, straight);
  // A second time, when answers may come from the cache.
  assert.deepEqual(await scenario(weir.url), straight);
  return straight;
}

const apollo = (link) => new ApolloClient({ link, cache: new InMemoryCache(), defaultOptions: { query: { fetchPolicy: 'no-cache', errorPolicy: 'all' } } });
const plain = (r) => JSON.parse(JSON.stringify({ data: r.data, error: r.error && { message: r.error.message, errors: r.error.errors?.map((e) => e.message) } }));

test('Apollo Client: queries, errors and mutations', async () => {
  const seen = await same(async (url) => {
    const c = apollo(new HttpLink({ uri: `${url}/graphql` }));
    const book = await c.query({ query: gql(BOOK), variables: { id: '1' } });
    const missing = await c.query({ query: gql(BOOK), variables: { id: '99' } });
    const boom = await c.query({ query: gql('query Boom { boom now }') });
    const set = await c.mutate({ mutation: gql(SET), variables: { input: { id: '3', title: 'Spillways', pages: 9 } } });
    const after = await c.query({ query: gql(BOOK), variables: { id: '3' } });
    return [book, missing, boom, set, after].map(plain);
  });
  assert.equal(seen[0].data.book.title, 'Weirs and Flumes');
  assert.equal(seen[1].data.book, null);
  assert.match(JSON.stringify(seen[2].error), /boom/);
});

test('Apollo Client: a mutation is seen by the next query, though the entity was cached', async () => {
  const c = apollo(new HttpLink({ uri: `${weir.url}/graphql` }));
  const read = async () => (await c.query({ query: gql(BOOK), variables: { id: '2' } })).data.book.title;
  for (let i = 0; i < 50; i++) {
    await read();
    await c.mutate({ mutation: gql(SET), variables: { input: { id: '2', title: `Edition ${i}`, pages: i } } });
    assert.equal(await read(), `Edition ${i}`);
    const calls = origin.calls.book;
    assert.equal(await read(), `Edition ${i}`);
    assert.equal(origin.calls.book, calls, 'the second read comes from the cache');
  }
});

test('Apollo Client: persisted queries by POST and by GET', async () => {
  await same(async (url) => {
    const out = [];
    for (const useGETForHashedQueries of [false, true]) {
      const link = new PersistedQueryLink({ sha256, useGETForHashedQueries }).concat(new HttpLink({ uri: `${url}/graphql` }));
      const c = apollo(link);
      for (let i = 0; i < 3; i++) {
        out.push(plain(await c.query({ query: gql(BOOK.replace('Book(', `Persisted${useGETForHashedQueries}(`)), variables: { id: '1' } })));
      }
    }
    return out;
  });
});

test('Apollo Client: batches', async () => {
  const seen = await same(async (url) => {
    const c = apollo(new BatchHttpLink({ uri: `${url}/graphql`, batchMax: 5, batchInterval: 5 }));
    const all = await Promise.all([
      c.query({ query: gql(BOOK), variables: { id: '1' } }),
      c.query({ query: gql('query Boom { boom }') }),
      c.query({ query: gql('query Books { books { id } }') }),
    ]);
    return all.map(plain);
  });
  assert.equal(seen[0].data.book.id, '1');
});

test('Apollo Client: subscriptions over WebSocket', async () => {
  await same(async (url) => {
    const ws = createWS({ url: `${url.replace('http', 'ws')}/graphql`, webSocketImpl: WebSocket, lazy: true });
    const c = apollo(new GraphQLWsLink(ws));
    const got = [];
    await new Promise((resolve, reject) => {
      c.subscribe({ query: gql('subscription Count { count(to: 5) }') })
        .subscribe({ next: (r) => got.push(r.data.count), error: reject, complete: resolve });
    });
    await ws.dispose();
    return got;
  });
});

test('graphql-ws: queries, mutations and errors in one socket', async () => {
  await same(async (url) => {
    const ws = createWS({ url: `${url.replace('http', 'ws')}/graphql`, webSocketImpl: WebSocket });
    const one = (payload) => new Promise((resolve) => {
      const got = [];
      ws.subscribe(payload, { next: (r) => got.push(r), error: (e) => resolve(['error', JSON.parse(JSON.stringify(e))]), complete: () => resolve(got) });
    });
    const out = [
      await one({ query: BOOK, variables: { id: '1' } }),
      await one({ query: '{ nothing }' }),
      await one({ query: 'subscription { count(to: 3) }' }),
    ];
    await ws.dispose();
    return JSON.parse(JSON.stringify(out));
  });
});

test('graphql-sse: subscriptions as an event stream', async () => {
  const seen = await same(async (url) => {
    const sse = createSSE({ url: `${url}/graphql/stream` });
    const got = [];
    await new Promise((resolve, reject) => {
      sse.subscribe({ query: 'subscription { count(to: 4) }' }, { next: (r) => got.push(r.data.count), error: reject, complete: resolve });
    });
    sse.dispose();
    return got;
  });
  assert.deepEqual(seen, [1, 2, 3, 4]);
});

test('urql: queries by POST and GET, mutations, persisted queries', async () => {
  await same(async (url) => {
    const out = [];
    for (const preferGetMethod of [false, 'force']) {
      const c = new Client({ url: `${url}/graphql`, exchanges: [fetchExchange], preferGetMethod, requestPolicy: 'network-only', fetchOptions: { headers: { 'apollo-require-preflight': '1' } } });
      for (const r of [
        await c.query(BOOK, { id: '1' }).toPromise(),
        await c.query('query Boom { boom }', {}).toPromise(),
        await c.mutation(SET, { input: { id: '5', title: 'Gates', pages: 2 } }).toPromise(),
        await c.query(BOOK, { id: '5' }).toPromise(),
      ]) out.push(JSON.parse(JSON.stringify({ data: r.data, error: r.error?.message })));
    }
    const p = new Client({ url: `${url}/graphql`, preferGetMethod: true, requestPolicy: 'network-only', fetchOptions: { headers: { 'apollo-require-preflight': '1' } }, exchanges: [persistedExchange({ preferGetForPersistedQueries: true }), fetchExchange] });
    for (let i = 0; i < 3; i++) {
      const r = await p.query(BOOK.replace('Book(', 'UrqlPersisted('), { id: '1' }).toPromise();
      out.push(JSON.parse(JSON.stringify({ data: r.data, error: r.error?.message })));
    }
    return out;
  });
});

test('graphql-request: queries, raw answers, errors, mutations, batches', async () => {
  await same(async (url) => {
    const c = new GraphQLClient(`${url}/graphql`);
    const failed = await c.request('query Boom { boom }').catch((e) => ({ status: e.response.status, errors: e.response.errors.map((x) => x.message) }));
    const invalid = await c.request('{ nothing }').catch((e) => ({ status: e.response.status, errors: e.response.errors.map((x) => x.message) }));
    const set = await c.request(SET, { input: { id: '6', title: 'Locks', pages: 4 } });
    const raw = await c.rawRequest(BOOK, { id: '6' });
    const batch = await batchRequests(`${url}/graphql`, [{ document: BOOK, variables: { id: '1' } }, { document: BOOK, variables: { id: '6' } }]);
    return JSON.parse(JSON.stringify([failed, invalid, set, { status: raw.status, data: raw.data }, batch]));
  });
});

test('headers: a hit has what the origin sent, and says that it is one', async () => {
  const ask = () => fetch(`${weir.url}/graphql`, {
    method: 'POST', headers: { 'content-type': 'application/json', accept: 'application/json' },
    body: JSON.stringify({ query: '{ books { id title } }' }),
  });
  const first = await ask();
  await first.text();
  const second = await ask();
  await second.text();
  assert.match(second.headers.get('cache-status'), /^weir; hit; ttl=\d+/);
  assert.match(second.headers.get('age'), /^\d+$/);
  for (const name of ['content-type', 'cache-control']) assert.equal(second.headers.get(name), first.headers.get(name), name);
});
