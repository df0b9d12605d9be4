const onExit = require("signal-exit");

onExit((code) => console.log(`ends with ${code}`));
