// A GraphQL service as people run it: Apollo Server over node:http, with batches, persisted queries and cache hints, and subscriptions
// over graphql-transport-ws and graphql-sse at the same address.
import { createServer } from 'node:http';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { ApolloServer, HeaderMap } from '@apollo/server';
import { buildSchema, subscribe } from 'graphql';
import { createHandler } from 'graphql-sse/lib/use/http';
import { useServer } from 'graphql-ws/use/ws';
import { WebSocketServer } from 'ws';

export const typeDefs = `#graphql
  enum CacheControlScope { PUBLIC PRIVATE }
  directive @cacheControl(maxAge: Int, scope: CacheControlScope, inheritMaxAge: Boolean) on FIELD_DEFINITION | OBJECT | INTERFACE | UNION
  directive @key(fields: String!) repeatable on OBJECT | INTERFACE
  type Book @key(fields: "id") @cacheControl(maxAge: 60) { id: ID! title: String! pages: Int! }
  type Query {
    book(id: ID!): Book
    books: [Book!]! @cacheControl(maxAge: 60)
    boom: String
    now: String!
  }
  input BookInput { id: ID! title: String! pages: Int = 1 }
  type Mutation { setBook(input: BookInput!): Book! }
  type Subscription { count(to: Int!): Int! ticks: Int! }
`;

function data() {
  const books = new Map([
    ['1', { id: '1', title: 'Weirs and Flumes', pages: 310 }],
    ['2', { id: '2', title: 'Open Channels', pages: 472 }],
  ]);
  const calls = { book: 0, books: 0 };
  const resolvers = {
    Query: {
      book: (_, { id }) => { calls.book++; return books.get(id) ?? null; },
      books: () => { calls.books++; return [...books.values()]; },
      boom: () => { throw new Error('boom'); },
      now: () => 'now',
    },
    Mutation: { setBook: (_, { input }) => { books.set(input.id, { ...input }); return books.get(input.id); } },
    Subscription: {
      count: {
        async *subscribe(_, { to }) { for (let i = 1; i <= to; i++) yield { count: i }; },
      },
      ticks: { // without end
        async *subscribe() { for (let i = 1; ; i++) { yield { ticks: i }; await pause(10); } },
      },
    },
  };
  return { calls, resolvers };
}

// rootValue serves the two stream libraries, which take plain graphql-js functions.
function rootOf(resolvers) {
  const root = {};
  for (const [name, f] of Object.entries(resolvers.Query)) root[name] = (args) => f(null, args);
  root.setBook = (args) => resolvers.Mutation.setBook(null, args);
  return root;
}

function subscribeRoot(resolvers) {
  return { count: (args) => resolvers.Subscription.count.subscribe(null, args), ticks: () => resolvers.Subscription.ticks.subscribe() };
}

/** startOrigin listens on a free port; stop() ends it with all its connections. */
export async function startOrigin() {
  const { calls, resolvers } = data();
  const apollo = new ApolloServer({ typeDefs, resolvers, allowBatchedHttpRequests: true, stopOnTerminationSignals: false });
  await apollo.start();
  const schema = buildSchema(typeDefs.replace('#graphql', ''));
  const sse = createHandler({
    schema,
    subscribe: (args) => subscribe({ ...args, rootValue: subscribeRoot(resolvers) }),
  });
  const server = createServer(async (req, res) => {
    if (req.url.startsWith('/graphql/stream')) return sse(req, res);
    const chunks = [];
    for await (const c of req) chunks.push(c);
    const headers = new HeaderMap();
    for (const [k, v] of Object.entries(req.headers)) headers.set(k, Array.isArray(v) ? v.join(', ') : v);
    let body = {};
    if (chunks.length > 0) {
      try { body = JSON.parse(Buffer.concat(chunks).toString()); } catch { res.writeHead(400); res.end('bad json'); return; }
    }
    const r = await apollo.executeHTTPGraphQLRequest({
      httpGraphQLRequest: { method: req.method, headers, search: new URL(req.url, 'http://x').search, body },
      context: async () => ({}),
    });
    for (const [k, v] of r.headers) res.setHeader(k, v);
    res.statusCode = r.status ?? 200;
    if (r.body.kind === 'complete') { res.end(r.body.string); return; }
    for await (const part of r.body.asyncIterator) res.write(part);
    res.end();
  });
  const sockets = new WebSocketServer({ server, path: '/graphql' });
  const ws = useServer({
    schema,
    roots: { query: rootOf(resolvers), mutation: rootOf(resolvers), subscription: subscribeRoot(resolvers) },
  }, sockets);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const port = server.address().port;
  return {
    url: `http://127.0.0.1:${port}`, port, calls,
    async stop() {
      await ws.dispose();
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
      await apollo.stop();
    },
  };
}
