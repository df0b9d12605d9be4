const fetch = require("node-fetch");

exports.temperature = async (city) => {
  const response = await fetch(`https://weather.example/v1/${encodeURIComponent(city)}`);
  if (!response.ok) throw new Error(`HTTP ${response.status}`);
  const { celsius } = await response.json();
  return celsius;
};
