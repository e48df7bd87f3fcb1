// Reads X12 files with node-x12 in strict mode, writes them again and compares; prints reader, file and verdict,
// tab-separated.
const fs = require('fs');
const { X12Parser } = require('node-x12');

function verdict(path) {
  const text = fs.readFileSync(path, 'latin1');
  const read = new X12Parser(true).parse(text);
  const plain = (one) => one.replace(/\s+$/gm, '');
  return plain(read.toString()) === plain(text) ? 'ok' : 'written again, it differs';
}

for (const name of process.argv.slice(2)) {
  let said;
  try {
    said = verdict(name);
  } catch (error) {
    said = String(error.message).split('\n')[0];
  }
  console.log(['node-x12', name, said].join('\t'));
}
