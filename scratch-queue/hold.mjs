import pg from 'pg'; import { randomUUID } from 'node:crypto'; import {fork} from 'node:child_process'
import { openQueues, startWorkers, migrateQueueSchema } from '../dist-queue/src/jobs/queue.js'
const url='postgres://postgres@127.0.0.1:54991/postgres'
const settings={databaseUrl:url},queue={name:'x-'+randomUUID(),concurrency:4,attempts:3,backoffMs:200,lockMs:1500}
const cl=await openQueues(settings,[queue]);await cl.enqueue(queue,[{storeId:'s',jobId:randomUUID()}])
const child=fork('dist-queue/test/jobs/queue.test.js',{env:{...process.env,HOLD:JSON.stringify({settings,queue})}})
child.on('message',m=>console.log('msg',m));child.on('exit',(...a)=>console.log('exit',a))
setTimeout(()=>child.kill('SIGKILL'),3000)
await cl.close()
