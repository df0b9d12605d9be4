const axios = require("axios");

const api = axios.create({ baseURL: "https://api.example", timeout: 1000 });
console.log(api.defaults.baseURL, typeof api.get);
