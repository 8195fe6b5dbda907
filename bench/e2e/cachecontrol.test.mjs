// What Weir allows browsers and CDNs, against Apollo Server's own Cache-Control for the same answer: never longer, never public where that is
// private, never kept where that is not to be. Operations, schemas and data are generated: unions, interfaces, inherited ages, hints on
// extensions, fragments, lists within lists, nulls, and hints that resolvers set.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { ApolloServer, HeaderMap } from '@apollo/server';
import { ApolloServerPluginCacheControl } from '@apollo/server/plugin/cacheControl';
import { buildSchema, getNullableType, isAbstractType, isEnumType, isListType, isNonNullType, isObjectType } from 'graphql';
import { startWeir } from './weir.mjs';

const OPERATIONS = 125, SCHEMAS = 3;

/** random is a generator whose numbers follow from the seed. */
function random(seed) {
  return (n) => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t ^= t + Math.imul(t ^ (t >>> 7), 61 | t);
    return ((t ^ (t >>> 14)) >>> 0) % n;
  };
}

function hash(text) {
  let h = 2166136261;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 16777619);
  h ^= h >>> 15;
  return Math.imul(h, 0x2c1b3c6d) >>> 0;
}

function sdl(r) {
  const hint = (often) => {
    if (r(often) === 0) return '';
    const args = [];
    if (r(5) > 0) args.push(`maxAge: ${[5, 10, 30, 60, 60, 120, 0][r(often === 9 ? 6 : 7)]}`);
    if (r(9) === 0) args.push(`scope: ${['PUBLIC', 'PRIVATE'][r(2)]}`);
    if (r(4) === 0) args.push('inheritMaxAge: true');
    return args.length ? ` @cacheControl(${args.join(', ')})` : '';
  };
  const fields = (often) => `{ id: ID name: String${hint(2)} one: A${hint(often)} two: B${hint(often)} list: [A!]!${hint(often)} deep: [[B]]${hint(often)} nodes: [Node!]${hint(often)} node: Node${hint(often)} ` +
    `things: [Thing]${hint(often)} thing: Thing${hint(often)} kind: Kind${hint(2)} }\n`;
  let s = 'enum CacheControlScope { PUBLIC PRIVATE }\n' +
    'directive @cacheControl(maxAge: Int, scope: CacheControlScope, inheritMaxAge: Boolean) on FIELD_DEFINITION | OBJECT | INTERFACE | UNION\nenum Kind { X Y }\n';
  s += `interface Node${hint(9)} ${fields(2)}`;
  for (const name of ['A', 'B', 'C']) s += name === 'C' ? `type C implements Node ${fields(2)}extend type C${hint(9) || ' @cacheControl(maxAge: 20)'} { more: Int }\n` : `type ${name} implements Node${hint(9)} ${fields(2)}`;
  return s + `union Thing${hint(9)} = A | C\ntype Query ${fields(9)}`;
}

/** operation writes one query over the schema of sdl. */
function operation(r, n) {
  let alias = 0;
  const objects = { one: 'A', two: 'B', list: 'A', deep: 'B', nodes: 'Node', node: 'Node', things: 'Thing', thing: 'Thing' };
  const members = { A: ['A'], B: ['B'], C: ['C'], Node: ['A', 'B', 'C'], Thing: ['A', 'C'], Query: ['Query'] };
  const meet = (a, b) => members[a].some((t) => members[b].includes(t));
  const set = (type, depth) => {
    const parts = [];
    for (let i = 0; i < 1 + r(3); i++) {
      const condition = ['', '', '', ' @skip(if: true)', ' @include(if: true)', ' @include(if: $yes)'][r(6)];
      const k = r(8);
      if (k === 0 && type !== 'Query') {
        const on = ['A', 'B', 'C', 'Node'][r(4)];
        if (meet(on, type)) parts.push(`... on ${on}${condition} { ${set(on, depth + 1)} }`);
      } else if (k === 1 && meet('Node', type) && type !== 'Query') parts.push(`...N${condition}`);
      else if (k === 2) parts.push('__typename');
      else if (k < 5 && type !== 'Thing') parts.push(`${['id', 'name', 'kind'][r(3)]}${condition}`);
      else if (depth < 4 && type !== 'Thing') {
        const f = Object.keys(objects)[r(8)];
        parts.push(`a${++alias}: ${f}${condition} { ${set(objects[f], depth + 1)} }`);
      }
    }
    return parts.join(' ') || '__typename';
  };
  const body = set('Query', 0);
  const fragment = body.includes('...N') ? ` fragment N on Node { id ${['name', 'kind', 'one { id }'][r(3)]} }` : '';
  const all = body + fragment;
  return `query Q${n}${all.includes('$yes') ? '($yes: Boolean = true)' : ''} { ${body} }${fragment}`;
}

/** apollo serves the schema; what a field holds follows from its place and the seed. With hints resolvers set some, too. */
async function apollo(text, seed, hints) {
  const schema = buildSchema(text);
  const value = (type, at) => {
    const h = hash(`${seed} ${at}`);
    if (isNonNullType(type)) type = getNullableType(type);
    else if (h % 8 === 0) return null;
    if (isListType(type)) return Array.from({ length: (h >>> 3) % 3 }, (_, i) => value(type.ofType, `${at}.${i}`));
    if (isObjectType(type)) return { __typename: type.name };
    if (isAbstractType(type)) { const all = schema.getPossibleTypes(type); return { __typename: all[(h >>> 3) % all.length].name }; }
    return isEnumType(type) ? type.getValues()[0].value : 1;
  };
  const server = new ApolloServer({
    schema,
    plugins: [ApolloServerPluginCacheControl()],
    stopOnTerminationSignals: false,
    fieldResolver: (_source, _args, _context, info) => {
      const at = []; for (let p = info.path; p; p = p.prev) at.push(p.key);
      const h = hash(`hint ${seed} ${at}`);
      if (hints && h % 9 === 0) info.cacheControl.cacheHint.restrict([{ maxAge: 3 }, { scope: 'PRIVATE' }, { maxAge: 0 }, { maxAge: 7 }][(h >>> 4) % 4]);
      return value(info.returnType, at.join('.'));
    },
  });
  await server.start();
  const http = createServer(async (req, res) => {
    const chunks = []; for await (const c of req) chunks.push(c);
    const headers = new HeaderMap(); for (const [k, v] of Object.entries(req.headers)) headers.set(k, String(v));
    const out = await server.executeHTTPGraphQLRequest({
      httpGraphQLRequest: { method: req.method, headers, search: '', body: JSON.parse(Buffer.concat(chunks).toString()) }, context: async () => ({}),
    });
    for (const [k, v] of out.headers) res.setHeader(k, v);
    res.statusCode = out.status ?? 200;
    res.end(out.body.string);
  });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  return { url: `http://127.0.0.1:${http.address().port}`, async stop() { http.closeAllConnections(); await new Promise((done) => http.close(done)); await server.stop(); } };
}

async function ask(url, query) {
  const r = await fetch(`${url}/graphql`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ query }) });
  return { control: r.headers.get('cache-control') ?? '', status: r.headers.get('cache-status') ?? '', body: await r.text() };
}

/** age of a header for everybody, or for one client; 0 when the answer is not to be kept. */
function read(control) {
  const age = /max-age=(\d+)/.exec(control);
  return { age: /no-store/.test(control) || !age ? 0 : Number(age[1]), private: /private/.test(control) };
}

const total = { operations: 0, kept: 0, equal: 0, shorter: 0, private: 0, never: 0 };

for (const { name, headers, hints } of [
  { name: 'the schema alone decides', headers: false, hints: false },
  { name: 'the schema and the origin decide, resolvers set hints', headers: true, hints: true },
]) {
  test(`Cache-Control of Apollo Server bounds that of Weir: ${name}`, async () => {
    for (let seed = 1; seed <= SCHEMAS; seed++) {
      const r = random(seed * 7919), text = sdl(r);
      const origin = await apollo(text, seed, hints);
      const weir = await startWeir(origin, text, `  unseen: { per_second: 100000, burst: 100000 }\n  cache: { upstream_headers: ${headers}, outward: { cache_control: true } }\n`);
      try {
        for (let n = 0; n < OPERATIONS; n++) {
          const query = operation(r, n);
          const straight = await ask(origin.url, query);
          const want = read(straight.control), first = await ask(weir.url, query), second = await ask(weir.url, query);
          const about = `seed ${seed}: ${query}\nApollo Server: ${straight.control}\nWeir: ${first.control} | ${first.status}, then ${second.control} | ${second.status}\n${straight.body}`;
          assert.equal(first.body, straight.body, about);
          assert.equal(second.body, straight.body, about);
          for (const got of [first, second]) {
            const g = read(got.control);
            assert.ok(g.age <= want.age, `longer\n${about}`);
            assert.ok(!(want.private && g.age > 0 && !g.private), `public\n${about}`);
          }
          const kept = second.status.includes('weir; hit');
          assert.ok(!kept || want.age > 0 && !want.private, `kept\n${about}`);
          total.operations++;
          total.kept += kept;
          total.private += want.private;
          total.never += want.age === 0;
          if (kept) { if (read(first.control).age === want.age) total.equal++; else total.shorter++; }
        }
      } finally {
        await weir.stop();
        await origin.stop();
      }
    }
  });
}

test('enough of each kind was compared', (t) => {
  t.diagnostic(`${total.operations} operations: ${total.kept} kept by Weir, ${total.equal} of them for as long as Apollo Server allows and ${total.shorter} for less; ${total.private} private, ${total.never} not to be kept`);
  assert.ok(total.operations >= 500 && total.kept >= 60 && total.private >= 20, JSON.stringify(total));
});
