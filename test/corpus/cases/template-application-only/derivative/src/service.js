export const sell = () => "sold";
