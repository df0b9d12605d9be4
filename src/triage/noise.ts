/** Generated, installed or left behind. Lockfiles are none: they are evidence of versions. */
const NOISE = [
  /(?:^|\/)(?:node_modules|__pycache__|\.git)\//,
  /(?:^|\/)\.DS_Store$/,
  /\.min\.js$/,
  /\.map$/,
  /\.pyc$/,
];

/** Whether a change of the file says nothing about its repository. */
export function isNoise(path: string): boolean {
  return NOISE.some((pattern) => pattern.test(path));
}
