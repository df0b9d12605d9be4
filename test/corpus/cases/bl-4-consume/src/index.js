const { BufferList } = require("bl");

const list = new BufferList();
list.append(Buffer.from("abc")).append("def");
console.log(list.length, list.slice(1, 4).toString());
