export const greet = (language) => (language === "de" ? "hallo" : "hello");
