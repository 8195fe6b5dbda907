// @defer over two subgraphs, as Apollo Client sees it, in both formats that it speaks.
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { ApolloClient, InMemoryCache, HttpLink, gql } from '@apollo/client';
import { Defer20220824Handler, GraphQL17Alpha9Handler } from '@apollo/client/incremental';
import { ApolloServer } from '@apollo/server';
import { buildSubgraphSchema } from '@apollo/subgraph';
import { composeServices } from '@theguild/federation-composition';
import { parse } from 'graphql';
import { startWeir } from './weir.mjs';

const link = 'extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key"])';
const typeDefs = {
  books: `${link} type Query { books: [Book!]! } type Book @key(fields: "id") { id: ID! title: String! }`,
  stock: `${link} type Book @key(fields: "id") { id: ID! pieces: Int shelf: Shelf price: Int! } type Shelf { row: Int place: String }`,
};
const books = [{ id: '1', title: 'Weirs and Flumes' }, { id: '2', title: 'Spillways' }];

let release, broken = false; // of the subgraph stock
const resolvers = {
  books: { Query: { books: () => books }, Book: { __resolveReference: ({ id }) => books.find((b) => b.id === id) } },
  stock: {
    Book: {
      pieces: async ({ id }) => { await release; return 10 * id; },
      shelf: ({ id }) => ({ row: +id, place: `r${id}` }),
      price: () => { if (broken) throw new Error('no price'); return 5; },
    },
  },
};

const servers = [];
let weir;
before(async () => {
  const services = [];
  for (const name of Object.keys(typeDefs)) {
    const parsed = parse(typeDefs[name]);
    const apollo = new ApolloServer({ schema: buildSubgraphSchema({ typeDefs: parsed, resolvers: resolvers[name] }) });
    await apollo.start();
    const http = createServer(async (req, res) => {
      let body = '';
      for await (const b of req) body += b;
      const r = await apollo.executeOperation(JSON.parse(body));
      res.setHeader('Content-Type', 'application/json');
      res.end(JSON.stringify(r.body.singleResult));
    }).listen(0, '127.0.0.1');
    await once(http, 'listening');
    servers.push({ apollo, http });
    services.push({ name, url: `http://127.0.0.1:${http.address().port}/`, typeDefs: parsed });
  }
  const { supergraphSdl, errors } = composeServices(services);
  assert.equal(errors, undefined);
  weir = await startWeir({ supergraph: supergraphSdl });
});
after(async () => {
  await weir?.stop();
  for (const { apollo, http } of servers) {
    http.closeAllConnections();
    http.close();
    await apollo.stop();
  }
});

/** states returns the data that Apollo Client shows, one after another; stock answers when the first is there. */
async function states(handler, query) {
  let free;
  release = new Promise((done) => { free = done; });
  const accepts = [];
  const spy = (url, init) => { accepts.push(init.headers.accept); return fetch(url, init); };
  const client = new ApolloClient({ link: new HttpLink({ uri: `${weir.url}/graphql`, fetch: spy }), cache: new InMemoryCache(), incrementalHandler: new handler() });
  const seen = [];
  await new Promise((done, failed) => {
    client.watchQuery({ query: gql(query), errorPolicy: 'all', fetchPolicy: 'network-only' }).subscribe({
      next(r) {
        if (r.dataState === 'empty') return;
        seen.push(JSON.parse(JSON.stringify({ data: r.data, error: r.error?.message })));
        free();
        if (!r.loading) done();
      },
      error: failed,
    });
  });
  client.stop();
  return { seen, accepts };
}

const handlers = { 'deferSpec=20220824': Defer20220824Handler, 'incrementalSpec=v0.2': GraphQL17Alpha9Handler };
for (const [format, handler] of Object.entries(handlers)) {
  test(`Apollo Client, ${format}: the first part is there before a slow subgraph answers`, async () => {
    const { seen, accepts } = await states(handler, '{ books { id title ...S @defer(label: "s") } } fragment S on Book { pieces shelf { row ... @defer { place } } }');
    assert.ok(accepts[0].replaceAll(' ', '').toLowerCase().includes(`multipart/mixed;${format.toLowerCase()}`), accepts[0]);
    const T = { __typename: 'Book' };
    assert.deepEqual(seen[0].data, { books: books.map((b) => ({ ...T, ...b })) });
    assert.deepEqual(seen.at(-1).data, {
      books: books.map((b) => ({ ...T, ...b, pieces: 10 * b.id, shelf: { __typename: 'Shelf', row: +b.id, place: `r${b.id}` } })),
    });
    assert.ok(seen.length > 1 && seen.every((s) => !s.error), JSON.stringify(seen));
  });

  test(`Apollo Client, ${format}: a part that fails leaves the rest as it was`, async () => {
    broken = true;
    try {
      const { seen } = await states(handler, '{ books { id title ... @defer { price } ... @defer { pieces } } }');
      const last = seen.at(-1);
      assert.match(last.error ?? '', /no price/);
      assert.deepEqual(last.data.books.map((b) => [b.title, b.pieces, b.price]), [['Weirs and Flumes', 10, undefined], ['Spillways', 20, undefined]]);
    } finally {
      broken = false;
    }
  });
}
