// What a server needs where others run beside it: the port that it is told, and a
// folder of its own for the dependencies that it prepares.
const { PORT, FLY_REGION } = process.env

export default {
  server: { port: Number(PORT ?? 5173), strictPort: true },
  cacheDir: `node_modules/.vite/${FLY_REGION ?? 'here'}`,
}
