// Set-up: a list of schemas in SDL; cases {"schema","document","defaultMaxAge"}, schema being an index; answers {"header","errors"}: the
// cache-control header Apollo Server answers with. Every field resolves: objects are there, lists hold one value of each type they may hold.
import { readFileSync } from 'node:fs';
import { ApolloServer } from '@apollo/server';
import { ApolloServerPluginCacheControl } from '@apollo/server/plugin/cacheControl';
import { buildSchema, getNullableType, isAbstractType, isListType, isObjectType, isEnumType } from 'graphql';
import { answers, setup } from './lines.mjs';

const schemas = setup.map((sdl) => buildSchema(sdl));

function value(schema, type) {
  type = getNullableType(type);
  if (isListType(type)) {
    const inner = getNullableType(type.ofType);
    return isAbstractType(inner) ? schema.getPossibleTypes(inner).map((t) => ({ __typename: t.name })) : [value(schema, inner)];
  }
  if (isObjectType(type)) return { __typename: type.name };
  if (isAbstractType(type)) return { __typename: schema.getPossibleTypes(type)[0].name };
  if (isEnumType(type)) return type.getValues()[0].value;
  return 1;
}

const servers = new Map();
async function server(schema, defaultMaxAge) {
  const key = `${schema} ${defaultMaxAge}`;
  if (!servers.has(key)) {
    const made = new ApolloServer({
      schema: schemas[schema],
      fieldResolver: (_source, _args, _context, info) => value(schemas[schema], info.returnType),
      plugins: [ApolloServerPluginCacheControl({ defaultMaxAge })],
    });
    await made.start();
    servers.set(key, made);
  }
  return servers.get(key);
}

const { version } = JSON.parse(readFileSync(new URL('./node_modules/@apollo/server/package.json', import.meta.url)));
await answers(version, async ({ schema, document, defaultMaxAge }) => {
  const { body, http } = await (await server(schema, defaultMaxAge)).executeOperation({ query: document });
  return { header: http.headers.get('cache-control') ?? '', errors: body.singleResult?.errors?.map((e) => e.message) ?? [] };
});
