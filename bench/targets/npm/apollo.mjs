// Apollo Server for weir-bench compare: node apollo.mjs SCHEMA HOST PORT UPSTREAM. The only resolver asks the upstream; answers are cached as the schema says.
import { readFileSync } from 'node:fs';
import { ApolloServer } from '@apollo/server';
import { startStandaloneServer } from '@apollo/server/standalone';
import responseCache from '@apollo/server-plugin-response-cache';

const [schema, host, port, upstream] = process.argv.slice(2);
const query = 'query City($id: ID!) { city(id: $id) { id revision name } }';
const server = new ApolloServer({
  typeDefs: readFileSync(schema, 'utf8'),
  resolvers: {
    Query: {
      async city(_, variables) {
        const answer = await fetch(upstream, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ query, variables }),
        });
        return (await answer.json()).data.city;
      },
    },
  },
  plugins: [responseCache()],
});
await startStandaloneServer(server, { listen: { host, port: Number(port) } });
process.on('SIGTERM', () => process.exit(0));
