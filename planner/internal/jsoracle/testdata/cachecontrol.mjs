// Set-up {"sdl"}; cases {"document","defaultMaxAge"}; answers {"header","errors"}: the cache-control header Apollo Server answers
// with. Every field resolves: objects are there, lists hold one value of each type they may hold.
import { readFileSync } from 'node:fs';
import { ApolloServer } from '@apollo/server';
import { ApolloServerPluginCacheControl } from '@apollo/server/plugin/cacheControl';
import { buildSchema, getNullableType, isAbstractType, isListType, isObjectType, isEnumType } from 'graphql';
import { answers, setup } from './lines.mjs';

const schema = buildSchema(setup.sdl);

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
await answers(version, async ({ document, defaultMaxAge }) => {
  const { body, http } = await (await server(defaultMaxAge)).executeOperation({ query: document });
  return { header: http.headers.get('cache-control') ?? '', errors: body.singleResult?.errors?.map((e) => e.message) ?? [] };
});
