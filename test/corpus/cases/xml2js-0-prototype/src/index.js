const { parseString } = require("xml2js");

parseString("<order id='7'/>", (error, result) => {
  if (error) throw error;
  console.log(result.hasOwnProperty("order"));
});
