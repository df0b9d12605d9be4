console.log("template");
