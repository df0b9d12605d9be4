const retry = require("async-retry");

module.exports = (url) =>
  retry(
    async (bail) => {
      const response = await fetch(url);
      if (response.status === 403) return bail(new Error("forbidden"));
      return response.json();
    },
    { retries: 4, onRetry: (error) => console.warn(error.message) },
  );
