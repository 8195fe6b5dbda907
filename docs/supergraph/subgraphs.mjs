// Three subgraphs on loopback: products 4101, stock 4102, reviews 4103.
import { ApolloServer } from '@apollo/server'
import { ApolloServerPluginInlineTraceDisabled } from '@apollo/server/plugin/disabled'
import { startStandaloneServer } from '@apollo/server/standalone'
import { buildSubgraphSchema } from '@apollo/subgraph'
import { parse } from 'graphql'
import { readFileSync } from 'node:fs'

const products = [
  { upc: 'w1', name: 'Sluice gate', price: 120 },
  { upc: 'w2', name: 'Staff gauge', price: 35 },
  { upc: 'w3', name: 'Fish ladder', price: 900 },
]
const pieces = { w1: 3, w2: 0, w3: 1 }
const reviews = [
  { stars: 5, text: 'Holds.', product: 'w1' },
  { stars: 2, text: 'Faded soon.', product: 'w2' },
  { stars: 4, text: 'The trout agree.', product: 'w3' },
  { stars: 4, text: 'Heavy.', product: 'w1' },
]

const resolvers = {
  products: {
    Query: { products: () => products, product: (_, { upc }) => products.find((p) => p.upc === upc) },
    Product: { __resolveReference: ({ upc }) => products.find((p) => p.upc === upc) },
  },
  stock: { Product: { pieces: (p) => pieces[p.upc], shippingCents: (p) => (p.price > 100 ? 0 : 499) } },
  reviews: { Product: { reviews: (p) => reviews.filter((r) => r.product === p.upc) } },
}

for (const [n, name] of ['products', 'stock', 'reviews'].entries()) {
  const typeDefs = parse(readFileSync(`${name}.graphql`, 'utf8'))
  const schema = buildSubgraphSchema({ typeDefs, resolvers: resolvers[name] })
  const server = new ApolloServer({ schema, plugins: [ApolloServerPluginInlineTraceDisabled()] })
  const { url } = await startStandaloneServer(server, { listen: { host: '127.0.0.1', port: 4101 + n } })
  console.log(`${name} ${url}`)
}
