import axios, { type AxiosRequestConfig } from "axios";

export const api = axios.create({ baseURL: "https://api.example" });

api.interceptors.request.use((config: AxiosRequestConfig) => {
  config.timeout = 5_000;
  return config;
});
