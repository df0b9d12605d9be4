console.log("our own");
