// No set-up; cases are documents; answers {"fields","values"}: how many root fields there are and the values of the first one's
// first argument, a list of strings. null when graphql-js refuses the document.
import { parse, version } from 'graphql';
import { answers } from './lines.mjs';

await answers(version, (document) => {
  try {
    const fields = parse(document).definitions[0].selectionSet.selections;
    return { fields: fields.length, values: fields[0].arguments[0].value.values.map((v) => v.value) };
  } catch {
    return null;
  }
});
