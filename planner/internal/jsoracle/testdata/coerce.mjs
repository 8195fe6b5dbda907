// Set-up {"sdl"}; cases {"query","variables"}, variables being JSON text; answers {"ok","values","errors"}: what becomes of the variables.
import { buildSchema, getVariableValues, parse, version } from 'graphql';
import { answers, setup } from './lines.mjs';

const schema = buildSchema(setup.sdl);
await answers(version, ({ query, variables }) => {
  try {
    const definitions = parse(query).definitions[0].variableDefinitions ?? [];
    const { errors, coerced } = getVariableValues(schema, definitions, JSON.parse(variables) ?? {});
    return errors ? { ok: false, errors: errors.map((e) => e.message) } : { ok: true, values: coerced };
  } catch (e) {
    return { ok: false, errors: ['thrown: ' + e.message] };
  }
});
