// Hive Gateway with the Rust planner, for many supergraphs in one process: PUT /NAME loads one, POST /NAME asks it, DELETE /NAME ends it. The port is the
// first line of the output; the process ends with its standard input.
import { createServer } from 'node:http';
import { createGatewayRuntime } from '@graphql-hive/gateway-runtime';
import { unifiedGraphHandler } from '@graphql-hive/router-runtime';

const gateways = new Map();

const methods = {
  PUT(path, body) {
    gateways.set(path, createGatewayRuntime({
      supergraph: body, unifiedGraphHandler, graphqlEndpoint: path, logging: false, maskedErrors: false, graphiql: false, landingPage: false,
    }));
  },
  POST(path, body) {
    return gateways.get(path).fetch('http://gateway' + path, {
      method: 'POST', headers: { 'content-type': 'application/json', accept: 'application/json' }, body,
    });
  },
  async DELETE(path) {
    const gateway = gateways.get(path);
    gateways.delete(path);
    await gateway?.[Symbol.asyncDispose]();
  },
};

const server = createServer(async (request, response) => {
  try {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const answer = await methods[request.method](request.url, Buffer.concat(chunks).toString());
    response.end(await answer?.text());
  } catch (e) {
    response.statusCode = 500;
    response.end(String(e?.stack ?? e));
  }
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
process.stdin.on('end', () => process.exit(0)).resume();
