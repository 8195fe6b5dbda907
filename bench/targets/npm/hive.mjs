// Configuration of Hive Gateway for weir-bench compare: every answer is cached for ten minutes, nothing is reported or logged per request.
import { defineConfig } from '@graphql-hive/gateway';

export const gatewayConfig = defineConfig({
  responseCaching: { session: () => null, ttl: 600_000 },
  logging: 'warn',
  graphiql: false,
  landingPage: false,
});
