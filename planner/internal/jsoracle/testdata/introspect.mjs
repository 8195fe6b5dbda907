// Set-up {"sdl"}; cases are introspection queries; answers are the whole results.
import { buildSchema, graphqlSync, version } from 'graphql';
import { answers, setup } from './lines.mjs';

const schema = buildSchema(setup.sdl, { assumeValidSDL: true });
await answers(version, (source) => graphqlSync({ schema, source }));
