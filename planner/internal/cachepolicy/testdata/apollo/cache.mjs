// Reads cases as NDJSON from the file named first ({"sdl"} on line one, then {"document","defaultMaxAge"}) and writes to the
// file named second, for each case, the cache-control header Apollo Server answers with. Every field resolves: objects are
// there, lists hold one value of each type they may hold.
import { readFileSync, writeFileSync } from 'node:fs';
import { ApolloServer } from '@apollo/server';
import { ApolloServerPluginCacheControl } from '@apollo/server/plugin/cacheControl';
import { buildSchema, getNullableType, isAbstractType, isListType, isObjectType, isEnumType } from 'graphql';

const [, , input, output] = process.argv;
const lines = readFileSync(input, 'utf8').split('\n').filter((line) => line !== '');
const schema = buildSchema(JSON.parse(lines[0]).sdl);

function value(type) {
  type = getNullableType(type);
  if (isListType(type)) {
    const inner = getNullableType(type.ofType);
    return isAbstractType(inner) ? schema.getPossibleTypes(inner).map((t) => ({ __typename: t.name })) : [value(inner)];
  }
  if (isObjectType(type)) return { __typename: type.name };
  if (isAbstractType(type)) return { __typename: schema.getPossibleTypes(type)[0].name };
  if (isEnumType(type)) return type.getValues()[0].value;
  return 1;
}

const servers = new Map();
async function server(defaultMaxAge) {
  if (!servers.has(defaultMaxAge)) {
    const made = new ApolloServer({
      schema,
      fieldResolver: (_source, _args, _context, info) => value(info.returnType),
      plugins: [ApolloServerPluginCacheControl({ defaultMaxAge })],
    });
    await made.start();
    servers.set(defaultMaxAge, made);
  }
  return servers.get(defaultMaxAge);
}

const { version } = JSON.parse(readFileSync(new URL('./node_modules/@apollo/server/package.json', import.meta.url)));
const out = [JSON.stringify({ version })];
for (const line of lines.slice(1)) {
  const { document, defaultMaxAge } = JSON.parse(line);
  const { body, http } = await (await server(defaultMaxAge)).executeOperation({ query: document });
  const errors = body.singleResult?.errors?.map((e) => e.message) ?? [];
  out.push(JSON.stringify({ header: http.headers.get('cache-control') ?? '', errors }));
}
writeFileSync(output, out.join('\n') + '\n');
process.exit(0);
