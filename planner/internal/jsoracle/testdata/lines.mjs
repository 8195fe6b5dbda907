// What the drivers share. The first argument names a file with one JSON document a line: the set-up, then the cases. answers
// writes to the file that the second argument names: the oracle's version, then one answer for each case, in their order.
import { readFileSync, writeFileSync } from 'node:fs';

const [, , input, output] = process.argv;
const [first, ...rest] = readFileSync(input, 'utf8').trimEnd().split('\n').map((line) => JSON.parse(line));
export const setup = first;

export async function answers(version, answer) {
  const out = [JSON.stringify(version)];
  for (const one of rest) out.push(JSON.stringify(await answer(one)));
  writeFileSync(output, out.join('\n') + '\n');
  process.exit(0); // whatever the oracle still waits for
}
