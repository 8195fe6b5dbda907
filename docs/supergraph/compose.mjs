// Composes the three schemas into supergraph.graphql.
import { composeServices } from '@theguild/federation-composition'
import { parse } from 'graphql'
import { readFileSync, renameSync, writeFileSync } from 'node:fs'

const result = composeServices(['products', 'stock', 'reviews'].map((name, n) => ({
  name, url: `http://127.0.0.1:${4101 + n}/`, typeDefs: parse(readFileSync(`${name}.graphql`, 'utf8')),
})))
if (result.errors) {
  result.errors.forEach((e) => console.error(e.message))
  process.exit(1)
}
writeFileSync('supergraph.new', result.supergraphSdl)
renameSync('supergraph.new', 'supergraph.graphql') // whoever reads it sees the old one or the new one
